/// Runs the sides of a scenario, one step at a time, in any order that is asked for.
struct Machine {
  /// What may happen next.
  enum Step {
    /// The side's program goes on. A plain load sees the value that is there, or the `age`-th of the older ones.
    case run(side: Int, age: Int)
    /// Something on its way out of the side's buffer arrives.
    case arrive(side: Int, index: Int)
  }

  let scenario: Scenario
  private(set) var trees: [LocalTree]

  init(_ scenario: Scenario) {
    self.scenario = scenario
    trees = scenario.sides.map { LocalTree($0.program) }
  }

  mutating func start() -> MachineState {
    var state = MachineState(cells: scenario.cells, sides: scenario.sides.map { _ in .init() })
    for side in trees.indices { goOn(side, &state) }
    return state
  }

  /// What is in a mutex that this side holds.
  static func holder(_ side: Int) -> UInt64 { UInt64(side) + 1 }

  func access(_ side: Int, _ state: MachineState) -> Access { trees[side].access(state.sides[side].node) }

  /// Everything that can happen. None: all have ended, or those that have not wait for ever.
  func steps(_ state: MachineState) -> [Step] {
    var steps: [Step] = []
    for side in trees.indices {
      switch access(side, state) {
      case .load(let place, acquires: false):
        for age in 0...state.sides[side].old.count where age == 0 || isOld(place, age - 1, state.sides[side]) {
          steps.append(.run(side: side, age: age))
        }
      case .load, .expect: steps.append(.run(side: side, age: 0))
      case .update:
        if state.sides[side].buffer.isEmpty { steps.append(.run(side: side, age: 0)) }
      case .awaitChange(let place, let value):
        if state.visible(place, to: side) != value { steps.append(.run(side: side, age: 0)) }
      case .lock(let place):
        if state.sides[side].buffer.isEmpty, state[place] == 0 { steps.append(.run(side: side, age: 0)) }
      case .poll(let places):
        if places.contains(where: { state[$0] != 0 }) { steps.append(.run(side: side, age: 0)) }
      case .store, .read, .write, .fence, .note, .fail, .end: break
      }
      for index in state.sides[side].buffer.indices where mayArrive(state.sides[side].buffer, index) {
        steps.append(.arrive(side: side, index: index))
      }
    }
    return steps
  }

  /// What was found wrong, if this step shows it.
  mutating func take(_ step: Step, _ state: inout MachineState) -> String? {
    var failure: String?
    let side: Int
    switch step {
    case .run(let running, let age):
      side = running
      failure = run(side, age, &state)
    case .arrive(let owner, let index):
      side = owner
      failure = arrive(side, index, &state)
    }
    goOn(side, &state)
    if case .fail(let what) = access(side, state) { failure = failure ?? what }
    return failure
  }

  private mutating func run(_ side: Int, _ age: Int, _ state: inout MachineState) -> String? {
    var value: UInt64 = 0
    var failure: String?
    switch access(side, state) {
    case .load(let place, let acquires):
      value = state.visible(place, to: side)
      if acquires { state.sides[side].old = [] } else { value = choose(place, age, value, &state.sides[side]) }
    case .expect(let place, let expected, let what):
      failure = check(what, state.visible(place, to: side), expected)
    case .update(let place, let update):
      value = state[place]
      state[place] = update.result(value, by: side)
      state.sides[side].old = []
    case .lock(let place):
      state[place] = Self.holder(side)
      state.sides[side].old = []
    case .poll(let places):
      for (bit, place) in places.enumerated() where state[place] != 0 { value |= 1 << UInt64(bit) }
    case .awaitChange: break
    case .store, .read, .write, .fence, .note, .fail, .end: preconditionFailure("not a step")
    }
    state.sides[side].node = trees[side].follow(state.sides[side].node, value)
    return failure
  }

  /// What only this side can see needs no decision: it is done at once.
  private mutating func goOn(_ side: Int, _ state: inout MachineState) {
    while true {
      let node = state.sides[side].node
      var value: UInt64 = 0
      switch access(side, state) {
      case .store(let place, let value, let releases):
        state.sides[side].buffer.append(
          .init(kind: releases ? .release : .store, place: place, value: value, node: node))
      case .expect(let place, let value, _):
        guard scenario.order == .weak else { return }
        state.sides[side].buffer.append(.init(kind: .expect, place: place, value: value, node: node))
      case .fence:
        guard state.sides[side].buffer.isEmpty else { return }
        state.sides[side].old = []
      case .read(let data):
        value = state[data.place]
        precondition(state[data.mutex] == Self.holder(side), "\(scenario.name(of: data.place)) without its lock")
      case .write(let data, let new):
        state[data.place] = new
        precondition(state[data.mutex] == Self.holder(side), "\(scenario.name(of: data.place)) without its lock")
      case .note: break
      case .load, .update, .awaitChange, .lock, .poll, .fail, .end: return
      }
      state.sides[side].node = trees[side].follow(node, value)
    }
  }
}

// MARK: What overtakes what

extension Machine {
  private func mayArrive(_ buffer: [MachineState.Pending], _ index: Int) -> Bool {
    if index == 0 { return true }
    guard scenario.order == .weak, buffer[index].kind != .release else { return false }
    return !buffer[..<index].contains { $0.place.overlaps(buffer[index].place) }
  }

  private func arrive(_ side: Int, _ index: Int, _ state: inout MachineState) -> String? {
    let pending = state.sides[side].buffer.remove(at: index)
    if pending.kind == .expect {
      guard case .expect(_, _, let what) = trees[side].access(pending.node) else { return nil }
      // What it may see: no schedule of its own for each, since all have to be right.
      let values = state.sides[side].old.filter { $0.place == pending.place }.map(\.value) + [state[pending.place]]
      return values.lazy.compactMap { check(what, $0, pending.value) }.first
    }
    if scenario.order == .weak, state[pending.place] != pending.value {
      let old = MachineState.Old(place: pending.place, value: state[pending.place])
      for other in state.sides.indices where other != side { state.sides[other].old.append(old) }
    }
    state[pending.place] = pending.value
    return nil
  }

  private func isOld(_ place: Place, _ index: Int, _ side: MachineState.SideState) -> Bool {
    side.old[index].place == place && !side.buffer.contains { $0.kind != .expect && $0.place.overlaps(place) }
  }

  /// The value that a plain load sees. From then on it sees nothing older.
  private func choose(_ place: Place, _ age: Int, _ now: UInt64, _ side: inout MachineState.SideState) -> UInt64 {
    let value = age == 0 ? now : side.old[age - 1].value
    let kept = age == 0 ? side.old.count : age - 1
    side.old = side.old.indices.filter { $0 >= kept || side.old[$0].place != place }.map { side.old[$0] }
    return value
  }

  private func check(_ what: String, _ value: UInt64, _ expected: UInt64) -> String? {
    value == expected ? nil : "\(what) is \(hex(value)) instead of \(hex(expected))"
  }
}

func hex(_ value: UInt64) -> String { value < 10 ? "\(value)" : "0x" + String(value, radix: 16) }
