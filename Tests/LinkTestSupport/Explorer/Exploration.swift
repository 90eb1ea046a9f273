/// What came of running a scenario in every order.
package struct Exploration: Sendable, CustomStringConvertible {
  package enum Outcome: Sendable {
    /// Every schedule ended well.
    case holds
    /// One did not; a shortest one.
    case fails(Trace)
    /// There were more states than allowed: nothing is known.
    case cut
  }

  package let name: String
  package private(set) var outcome = Outcome.holds
  /// States that differ, and steps between them.
  package private(set) var stateCount = 1
  package private(set) var stepCount = 0
  /// Ways from the start to an end: more than anybody could run one by one.
  package private(set) var scheduleCount = 0.0

  package var holds: Bool { if case .holds = outcome { true } else { false } }
  package var trace: Trace? { if case .fails(let trace) = outcome { trace } else { nil } }

  /// One line.
  package var summary: String {
    let counts = "\(stateCount) states, \(stepCount) steps"
    switch outcome {
    case .holds:
      let schedules =
        scheduleCount < 1e15 ? "\(UInt64(scheduleCount))" : "about 10^\(Int(scheduleCount.exponent) * 301 / 1000)"
      return "\(name): holds in all \(schedules) schedules (\(counts))"
    case .fails(let trace): return "\(name): \(trace.failure) (\(counts) looked at)"
    case .cut: return "\(name): cut short after \(counts)"
    }
  }

  package var description: String { trace.map { "\(summary)\n\($0)" } ?? summary }

  /// Runs every schedule of `scenario`, those once that lead to the same state.
  ///
  /// Breadth first, so the first failure is a shortest one. Each step adds one to the number of steps that sides took or
  /// of stores that arrived, and a state has both numbers in it: so no way leads back, equal states meet after equally
  /// many steps, and it is enough to remember one generation.
  package init(_ scenario: Scenario, mostStates: Int = 500_000) {
    name = scenario.name
    var machine = Machine(scenario)
    var history = History()
    var generation = [(state: machine.start(), ways: 1.0, entry: -1)]
    while !generation.isEmpty {
      var next: [(state: MachineState, ways: Double, entry: Int)] = []
      var known: [[UInt32]: Int] = [:]
      for (state, ways, entry) in generation {
        let steps = machine.steps(state)
        if steps.isEmpty {
          scheduleCount += ways
          guard let failure = machine.waiting(state) else { continue }
          outcome = .fails(Trace(&machine, history.steps(to: entry), failure))
          return
        }
        for step in steps {
          stepCount += 1
          var successor = state
          if let failure = machine.take(step, &successor) {
            outcome = .fails(Trace(&machine, history.steps(to: entry) + [step], failure))
            return
          }
          let key = successor.key
          if let index = known[key] {
            next[index].ways += ways
          } else {
            known[key] = next.count
            next.append((successor, ways, history.add(step, after: entry)))
          }
        }
      }
      stateCount += next.count
      if stateCount > mostStates {
        outcome = .cut
        return
      }
      generation = next
    }
  }
}

/// How each state was first reached.
private struct History {
  private var entries: [(step: Machine.Step, parent: Int)] = []

  mutating func add(_ step: Machine.Step, after parent: Int) -> Int {
    entries.append((step, parent))
    return entries.count - 1
  }

  func steps(to entry: Int) -> [Machine.Step] {
    var steps: [Machine.Step] = []
    var entry = entry
    while entry >= 0 {
      steps.append(entries[entry].step)
      entry = entries[entry].parent
    }
    return steps.reversed()
  }
}
