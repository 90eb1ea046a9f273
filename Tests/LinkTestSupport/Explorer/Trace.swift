/// A schedule that went wrong, line by line: who did what, and what it came to.
package struct Trace: Sendable, CustomStringConvertible {
  package let failure: String
  package private(set) var lines: [String] = []

  package var description: String {
    lines.enumerated().map { "  \($0 + 1). \($1)\n" }.joined() + "  => \(failure)"
  }

  /// Takes the steps once more, and writes them down.
  init(_ machine: inout Machine, _ steps: [Machine.Step], _ failure: String) {
    self.failure = failure
    let initial = MachineState(cells: machine.scenario.cells, sides: machine.scenario.sides.map { _ in .init() })
    var state = machine.start()
    for side in state.sides.indices { tell(machine, side, initial, state) }
    for step in steps {
      let before = state
      _ = machine.take(step, &state)
      switch step {
      case .run(let side, _): tell(machine, side, before, state)
      case .arrive(let side, let index):
        let name = machine.scenario.sides[side].name
        let pending = before.sides[side].buffer[index]
        let place = machine.scenario.name(of: pending.place)
        if pending.kind == .expect {
          lines.append("\(name): the load of \(place) happens: \(hex(before[pending.place]))")
        } else {
          lines.append("\(name): \(place) = \(hex(pending.value)) arrives")
        }
        tell(machine, side, before, state)
      }
    }
  }

  /// A step of a program, and what it did alone before its next one.
  private mutating func tell(_ machine: Machine, _ side: Int, _ before: MachineState, _ after: MachineState) {
    let nodes = machine.way(side, from: before.sides[side].node, to: after.sides[side].node)
    for (node, value) in nodes { add(machine, side, node, value, before) }
  }

  private mutating func add(
    _ machine: Machine, _ side: Int, _ access: Access, _ value: UInt64, _ state: MachineState
  ) {
    let name = machine.scenario.sides[side].name
    func place(_ place: Place) -> String { machine.scenario.name(of: place) }
    let text: String
    switch access {
    case .load(let at, let acquires): text = "loads \(place(at))\(acquires ? ", acquiring" : ""): \(hex(value))"
    case .store(let at, let value, let releases):
      text = "stores \(place(at)) = \(hex(value))\(releases ? ", releasing" : "")"
    case .expect(let at, _, _): text = "asks for \(place(at))"
    case .read(let data): text = "reads \(place(data.place)): \(hex(value))"
    case .write(let data, let new): text = "writes \(place(data.place)) = \(hex(new))"
    case .fence: text = "fence"
    case .update(let at, .add(let number)): text = "adds \(number) to \(place(at))"
    case .update(let at, .exchange(let new)): text = "exchanges \(place(at)): \(hex(value)) becomes \(hex(new))"
    case .update(let at, .compareExchange(let expected, let desired)):
      text =
        value == expected
        ? "exchanges \(place(at)): \(hex(value)) becomes \(hex(desired))"
        : "finds \(place(at)) to be \(hex(value)) instead of \(hex(expected))"
    case .update(let at, .lock): text = value == 0 ? "locks \(place(at))" : "finds \(place(at)) taken"
    case .awaitChange(let at, _): text = "goes on: \(place(at)) is \(hex(state.visible(at, to: side)))"
    case .lock(let at): text = "locks \(place(at))"
    case .poll(let places): text = "is woken by \(places.filter { state[$0] != 0 }.map(place).joined(separator: ", "))"
    case .note(let what): text = what
    case .fail, .end: return
    }
    lines.append("\(name): \(text)")
  }
}

extension Machine {
  /// Who waits for what at the end of a schedule; nil if everybody is done.
  func waiting(_ state: MachineState) -> String? {
    let waiting = scenario.sides.indices.compactMap { side -> String? in
      switch access(side, state) {
      case .end: return nil
      case .fail(let what): return what
      case .awaitChange(let place, let value):
        return "\(scenario.sides[side].name) looks at \(scenario.name(of: place)) for ever: \(hex(value))"
      case .poll(let places):
        let names = places.map { scenario.name(of: $0) }.joined(separator: " or ")
        return "\(scenario.sides[side].name) sleeps for ever on \(names)"
      case .lock(let place): return "\(scenario.sides[side].name) waits for ever for \(scenario.name(of: place))"
      case .load, .store, .read, .write, .expect, .fence, .update, .note: return "\(scenario.sides[side].name) is stuck"
      }
    }
    return waiting.isEmpty ? nil : waiting.joined(separator: "; ")
  }

  /// The accesses between two places of a side's program, with their values.
  func way(_ side: Int, from: Int, to: Int) -> [(Access, UInt64)] { trees[side].way(from: from, to: to) }
}
