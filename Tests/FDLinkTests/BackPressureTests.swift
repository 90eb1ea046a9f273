import FDLink
import LinkCore
import LinkSystem
import Testing

struct BackPressureTests {
  @Test(arguments: [UnixSocket.Kind.seqpacket, .datagram])
  func `a full link takes a prefix and announces room once`(_ kind: UnixSocket.Kind) throws {
    try withLink(kind) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      let pool = PacketPool(frameByteCount: 1500, capacity: 64)
      var accepted = 0
      while true {
        let frames = (accepted..<accepted + 32).map { numbered($0, byteCount: 1000) }
        let count = try link.write(frames: frames, pool: pool)
        accepted += count
        if count < 32 { break }
        #expect(accepted < 1_000_000)
      }
      let error = #expect(throws: LinkError.self) { try link.write(frames: [numbered(0)], pool: pool) }
      #expect(error?.code == .wouldBlock)
      #expect(collector.now.roomCalls == 0)
      #expect(link.statistics.sent.packets == UInt64(accepted) && link.statistics.sent.dropped == 0)
      // The independent count: what is really there.
      for number in 0..<accepted { #expect(peer.receive() == numbered(number, byteCount: 1000)) }
      #expect(peer.receive() == nil)
      #expect(collector.waits { $0.roomCalls == 1 })
      #expect(try link.write(frames: [numbered(7)], pool: pool) == 1)
      #expect(peer.receive() == numbered(7))
      #expect(collector.now.roomCalls == 1)
    }
  }

  @Test func `room is announced once though a later write took everything`() throws {
    var options = LinkOptions()
    options.drive = .caller
    try withLink(.seqpacket, options) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      let pool = PacketPool(frameByteCount: 1500, capacity: 64)
      let frames = (0..<32).map { numbered($0, byteCount: 1000) }
      while try link.write(frames: frames, pool: pool) == 32 {}
      #expect(link.step() == .idle && collector.now.roomCalls == 0)
      while peer.receive() != nil {}
      #expect(try link.write(frames: frames, pool: pool) == 32)
      while peer.receive() != nil {}
      for _ in 0..<3 { #expect(link.step() == .idle && collector.now.roomCalls == 1) }
    }
  }
}
