import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// Random words in all pipes, between the calls and in `QueueRaceTests` during them. Nothing is expected of the packets; the ends have to
/// live through it, with bounded work, and to be whole afterwards. How many accesses a call of a pipe makes at most is
/// counted in `PipeHostileTests`.
@Suite struct QueueFuzzTests {
  private static let operations = 200_000

  private func scribble<Ends: QueueEnds & ~Copyable>(_ ends: inout Ends, _ name: String) {
    var random = SeededRandom(name)
    var revivals = 0
    var arrived = 0
    for _ in 0..<Self.operations {
      if ends.isCorrupt {
        revivals += 1
        ends.revive()
        ends.attach()
      }
      for _ in 0..<random.next() % 3 {
        let file = random.next() % 2 == 0 ? ends.packets : ends.returns
        let word = Int(random.next() % UInt64(file.byteCount / 8))
        file.region.store(random.plausibleHeader(file.byteCount), word * 8)
      }
      let (sent, received) = (ends.sent, ends.received)
      switch random.next() % 4 {
      case 0, 1:
        let count = 1 + Int(random.next() % 4)
        let sizes = (0..<count).map { _ in 1 + Int(random.next() % 300) }
        if ends.send(sizes) > count { Issue.record("took more than there were") }
      case 2:
        let most = 1 + Int(random.next() % 8)
        let count = ends.receive(atMost: most)
        if count > most { Issue.record("more than there was room for") }
        arrived += count
        // Twice the room in packets, each with the buffers that its slot can name.
        if ends.received.dropped - received.dropped > 2 * most { Issue.record("too many drops in one call") }
      default: _ = ends.hasRoom()
      }
      let events =
        ends.sent[.badCompletion] - sent[.badCompletion] + ends.received[.badCompletion] - received[.badCompletion]
      if events > 65 + 1000 / 16 * 2 { Issue.record("\(events) bad completions in one call") }
      // The ledger is of no use here, and would grow.
      ends.ledger = Ledger()
    }
    print("\(name): \(arrived) packets, \(revivals) corrupt pipes")
    #expect(revivals > 100)
    #expect(arrived > 1000)
    #expect(ends.worksAgain() == true)
  }

  @Test func `a client's packets and a server's completions under random words`() {
    var ends = ForwardQueues(QueueSizes.small)
    scribble(&ends, "forward fuzz")
  }

  @Test func `a server's packets and a client's posts under random words`() {
    var ends = BackwardQueues(QueueSizes.small)
    scribble(&ends, "backward fuzz")
  }
}
