import LinkCore
import LinkTestSupport
import SharedMemLink
import Testing

/// The receiver is stepped by the test, so that it sleeps and wakes where the test says.
@Suite struct `A batch rings` {
  @Test(arguments: RoomSetup.byHand) func `once at a peer that sleeps, whatever it holds`(setup: RoomSetup) throws {
    try run(setup) { a, b in
      for (count, rings) in [(1, 1), (2, 2), (RoomEnd.batchCount, 3)] {
        b.prepareToWait()
        let taken = try a.write(count)
        #expect(taken == count)
        #expect(a.link.statistics.sent[.notification] == UInt64(rings))
        while case .delivered = b.link.step() {}
      }
    }
  }

  @Test(arguments: RoomSetup.byHand) func `never at a peer that is awake`(setup: RoomSetup) throws {
    try run(setup) { a, b in
      for _ in 0..<10 {
        let taken = try a.write()
        #expect(taken == RoomEnd.batchCount)
        while case .delivered = b.link.step() {}
      }
      #expect(a.link.statistics.sent[.notification] == 0)
      #expect(b.link.statistics.received.packets == 10 * UInt64(RoomEnd.batchCount))
    }
  }

  /// Both attached; the receiver is awake, and has posted whatever it posts.
  private func run(_ setup: RoomSetup, _ body: (RoomEnd, RoomEnd) throws -> Void) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    try b.attach(byHand: true)
    // The word of a queue that nobody has looked at yet counts as asleep.
    b.prepareToWait()
    _ = b.link.step()
    try body(a, b)
    try a.close()
    try b.close()
  }
}
