import LinkTestSupport
import Testing

@Suite struct ExplorerRoomTests {
  private func explore(_ name: String, _ change: (inout RoomScenario) -> Void) -> Exploration {
    var room = RoomScenario()
    change(&room)
    return QueueTests.explore(room.scenario("room, \(name)"))
  }

  private static let lost = "sender sleeps for ever on room event; receiver sleeps for ever on event"

  @Test(arguments: memoryOrders) func `no wish for room is lost in any schedule`(order: MemoryOrder) {
    let exploration = explore("as it is") { $0.order = order }
    #expect(exploration.holds, "\(exploration)")
  }

  @Test func `a missing fence on either side is found`() {
    #expect(explore("no fence of the sender") { $0.senderFault = .lacksFence }.trace?.failure == Self.lost)
    #expect(explore("no fence of the receiver") { $0.receiverFault = .lacksFence }.trace?.failure == Self.lost)
  }

  @Test(arguments: [RoomScenario.Bug.skipsSecondTry, .wishesOnce, .skipsLastLook])
  func `a sender that does not try again, or a receiver that does not look again, is found`(bug: RoomScenario.Bug) {
    #expect(explore("\(bug)") { $0.bug = bug }.trace?.failure == Self.lost)
  }

  /// Why links send nothing longer: see `PipeWriter.maxFittingByteCount`.
  @Test func `a message beyond half of the ring can wait for ever`() {
    #expect(explore("4 and 12 bytes") { $0.sizes = [4, 12] }.trace?.failure == Self.lost)
  }
}
