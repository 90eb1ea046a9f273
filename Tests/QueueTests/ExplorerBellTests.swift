import LinkTestSupport
import Testing

@Suite struct ExplorerBellTests {
  private func explore(_ name: String, _ change: (inout BellScenario) -> Void) -> Exploration {
    var bell = BellScenario()
    change(&bell)
    return QueueTests.explore(bell.scenario("bell, \(name)"))
  }

  private static let lost = "receiver sleeps for ever on event"

  @Test(arguments: [[1], [1, 1], [2, 1], [1, 1, 1]])
  func `no wake-up is lost in any schedule of x86`(batches: [Int]) {
    let exploration = explore("batches \(batches)") { $0.batches = batches }
    #expect(exploration.holds, "\(exploration)")
  }

  @Test(arguments: [[1], [1, 1], [2]]) func `no wake-up is lost in any schedule of a weaker machine`(batches: [Int]) {
    let exploration = explore("batches \(batches)") {
      $0.order = .weak
      $0.batches = batches
    }
    #expect(exploration.holds, "\(exploration)")
  }

  @Test(arguments: memoryOrders) func `no wake-up is lost when messages wrap around and wait for room`(
    order: MemoryOrder
  ) {
    let exploration = explore("4 words") {
      $0.order = order
      $0.words = 4
    }
    #expect(exploration.holds, "\(exploration)")
  }

  @Test(arguments: memoryOrders) func `a missing fence in isWanted is found`(order: MemoryOrder) {
    let exploration = explore("no fence of the sender") {
      $0.order = order
      $0.senderFault = .lacksFence
    }
    #expect(exploration.trace?.failure == Self.lost)
  }

  @Test(arguments: memoryOrders) func `a missing fence in enable is found`(order: MemoryOrder) {
    let exploration = explore("no fence of the receiver") {
      $0.order = order
      $0.receiverFault = .lacksFence
    }
    #expect(exploration.trace?.failure == Self.lost)
  }

  @Test(arguments: memoryOrders, [BellScenario.Bug.skipsSecondLook, .looksTooEarly, .asksTooEarly])
  func `a receiver that does not look again, or a sender that asks too early, is found`(
    order: MemoryOrder, bug: BellScenario.Bug
  ) {
    let exploration = explore("\(bug)") {
      $0.order = order
      $0.bug = bug
    }
    #expect(exploration.trace?.failure == Self.lost)
  }
}
