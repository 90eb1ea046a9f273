import FDLink
import LinkCore
import LinkSystem
import Testing

struct DrivenTests {
  /// A caller's loop as `DrivenLink` tells it, until the condition holds or the link is closed. False after ten seconds.
  private func drive(_ link: FDEndpoint, until condition: () -> Bool) throws -> Bool {
    let deadline = monotonicNanoseconds() + 10_000_000_000
    while !condition() {
      let now = monotonicNanoseconds()
      guard now < deadline else { return false }
      switch link.step() {
      case .delivered: continue
      case .closed, .notAttached: return condition()
      case .idle, .starved:
        if condition() { return true }
        guard let plan = link.prepareToWait() else { continue }
        var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
        for (index, entry) in plan.entries.enumerated() {
          entries[index] = PollEntry(entry.descriptor, PollEvents(rawValue: entry.events))
        }
        let limit = deadline - now
        let timeout = plan.timeout.map { UInt64($0 / .nanoseconds(1)) }
        try poll(&entries, nanoseconds: min(timeout ?? limit, limit))
      }
    }
    return true
  }

  @Test func `a caller drives a link through packets, back-pressure and the end`() throws {
    var options = LinkOptions()
    options.drive = .caller
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let link = try FDEndpoint(takingOwnershipOf: ends[0], options: options)
    #expect(link.step() == .notAttached)
    let collector = try Collector()
    try link.attach(collector)
    do {
      let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
      for number in 0..<100 { _ = peer.send(numbered(number)) }
      #expect(try drive(link) { collector.frames.count == 100 })
      let pool = PacketPool(frameByteCount: 1500, capacity: 64)
      let frames = (0..<64).map { numbered($0, byteCount: 1000) }
      while try link.write(frames: frames, pool: pool) == 64 {}
      let reader = try SystemThread(name: "test-reader") {
        while peer.receive() != nil {}
      }
      #expect(try drive(link) { collector.now.roomCalls == 1 })
      reader.join()
    }
    #expect(try drive(link) { !collector.now.closings.isEmpty })
    #expect(collector.now.closings == [.peerDisconnected])
    #expect(link.step() == .closed)
  }

  @Test func `close is finished by the caller's next step`() throws {
    var options = LinkOptions()
    options.drive = .caller
    try withLink(.seqpacket, options) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      #expect(link.step() == .idle)
      link.close()
      #expect(link.step() == .closed)
      #expect(collector.now.closings == [.requested])
    }
  }
}
