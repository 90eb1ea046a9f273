import LinkTestSupport
import Testing

/// The explorer itself: does its machine do what machines do, and does it tell what it found?
@Suite struct ExplorerModelTests {
  /// Each side stores, and then looks at what the other stored. A judge fails if both saw nothing.
  private func storeBuffering(_ order: MemoryOrder, hasFences: Bool) -> Scenario {
    var scenario = Scenario("store buffering, \(hasFences ? "" : "no ")fences, \(order)", order)
    let places = [scenario.region("x"), scenario.region("y")]
    let seen = [scenario.region("first saw"), scenario.region("second saw")]
    let done = [scenario.region("first is done"), scenario.region("second is done")]
    for (side, name) in ["first", "second"].enumerated() {
      scenario.side(name) { own throws(Halt) in
        own.store(places[side], 1, releases: true)
        if hasFences { own.fence() }
        let value = try own.load(places[1 - side])
        own.store(seen[side], value, releases: false)
        try own.ring(done[side])
      }
    }
    scenario.side("judge") { judge throws(Halt) in
      for side in 0...1 { _ = try judge.poll([done[side]]) }
      try judge.require(try judge.load(seen[0]) + judge.load(seen[1]) > 0, "both missed")
    }
    return scenario
  }

  @Test(arguments: memoryOrders) func `a store waits in its buffer while a load overtakes it, unless there is a fence`(
    order: MemoryOrder
  ) {
    #expect(explore(storeBuffering(order, hasFences: false)).trace?.failure == "both missed")
    #expect(explore(storeBuffering(order, hasFences: true)).holds)
  }

  /// Two words are written, and looked at the other way round.
  private func messagePassing(_ order: MemoryOrder, releases: Bool, acquires: Bool) -> Exploration {
    var scenario = Scenario("message passing, release \(releases), acquire \(acquires), \(order)", order)
    let (flag, data) = (scenario.region("flag", byteCount: 8), scenario.region("data"))
    scenario.side("writer") { side throws(Halt) in
      let memory = side.memory(flag, releases ? .none : .storesPlainly)
      side.store(data, 5, releases: false)
      memory.storeReleasing(1, 0)
    }
    scenario.side("reader") { side throws(Halt) in
      let memory = side.memory(flag, acquires ? .none : .loadsPlainly)
      guard memory.loadAcquiring(0) == 1 else { return }
      side.expect(data, 0, 5, "data")
    }
    return explore(scenario)
  }

  @Test func `release and acquire pass a message on any machine, and each is needed on a weak one`() {
    for order in memoryOrders { #expect(messagePassing(order, releases: true, acquires: true).holds) }
    #expect(messagePassing(.totalStoreOrder, releases: false, acquires: false).holds)
    #expect(messagePassing(.weak, releases: false, acquires: true).trace?.failure == "data is 0 instead of 5")
    #expect(messagePassing(.weak, releases: true, acquires: false).trace?.failure == "data is 0 instead of 5")
  }

  @Test func `a failure comes with a shortest schedule, to be read line by line`() {
    let trace = Exploration(storeBuffering(.totalStoreOrder, hasFences: false)).trace
    let lines = trace?.lines ?? []
    #expect(lines.prefix(2) == ["first: stores x = 1, releasing", "second: stores y = 1, releasing"])
    #expect(lines.contains("first: loads y, acquiring: 0"))
    #expect(lines.contains("second: loads x, acquiring: 0"))
    #expect(lines.contains("first: x = 1 arrives"))
    #expect("\(trace.map { "\($0)" } ?? "")".hasSuffix("  => both missed"))
  }

  @Test func `sides that wait for each other are found`() {
    var scenario = Scenario("two locks", .totalStoreOrder)
    let locks = [scenario.region("lock A"), scenario.region("lock B")]
    for (name, order) in [("first", [0, 1]), ("second", [1, 0])] {
      scenario.side(name) { side throws(Halt) in
        for lock in order { try side.lock(locks[lock]) }
        for lock in order { try side.unlock(locks[lock]) }
      }
    }
    #expect(
      explore(scenario).trace?.failure == "first waits for ever for lock B; second waits for ever for lock A")
  }

  @Test func `an exploration that does not end is cut short, and does not hold`() {
    var scenario = Scenario("a loop", .totalStoreOrder)
    let counter = scenario.region("counter")
    scenario.side("only") { side throws(Halt) in while true { try side.ring(counter) } }
    let exploration = explore(scenario, mostStates: 1000)
    guard case .cut = exploration.outcome else {
      Issue.record("\(exploration)")
      return
    }
    #expect(!exploration.holds)
  }

  @Test func `as many schedules are counted as there are`() {
    var scenario = Scenario("three steps each", .totalStoreOrder)
    let counter = scenario.region("counter")
    for name in ["first", "second"] {
      scenario.side(name) { side throws(Halt) in for _ in 0..<3 { try side.ring(counter) } }
    }
    let exploration = explore(scenario)
    // Six over three.
    #expect(exploration.scheduleCount == 20)
  }
}
