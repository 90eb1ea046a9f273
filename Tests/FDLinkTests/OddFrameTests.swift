import FDLink
import LinkCore
import LinkSystem
import Testing

struct OddFrameTests {
  static let own = LinkAddress(2, 0, 0, 0, 0, 1)

  static func ethernet(to destination: LinkAddress, byteCount: Int = 60) -> [UInt8] {
    let header = (0..<6).map { destination[$0] } + [2, 0, 0, 0, 0, 9, 8, 0]
    return header + [UInt8](repeating: 0x45, count: byteCount - header.count)
  }

  struct Odd: Sendable, CustomTestStringConvertible {
    let cause: DropCause
    let frame: [UInt8]
    var testDescription: String { cause.rawValue }
  }

  @Test(arguments: [
    Odd(cause: .empty, frame: []), Odd(cause: .runt, frame: [1]),
    Odd(cause: .runt, frame: [UInt8](repeating: 1, count: 13)),
    Odd(cause: .oversize, frame: ethernet(to: own, byteCount: 1515)),
    Odd(cause: .oversize, frame: ethernet(to: own, byteCount: 60_000)),
    Odd(cause: .misaddressed, frame: ethernet(to: LinkAddress(2, 0, 0, 0, 0, 7))),
  ])
  func `an odd frame is counted and the next good one arrives`(_ odd: Odd) throws {
    var fdOptions = FDOptions()
    fdOptions.filtersAddresses = true
    for (kind, mode) in [
      (UnixSocket.Kind.seqpacket, DispatchMode.readv), (.seqpacket, .recvmmsg), (.datagram, .readv),
      (.datagram, .recvmmsg),
    ] {
      fdOptions.dispatchMode = mode
      try withLink(kind, LinkOptions(linkAddress: Self.own), fdOptions: fdOptions) { link, peer in
        let collector = try Collector()
        try link.attach(collector)
        // More bad ones than a batch has room for, then each kind of good one, one of them as long as can be.
        for _ in 0..<40 { #expect(try peer.waitToSend(odd.frame)) }
        let good = [
          Self.ethernet(to: Self.own), Self.ethernet(to: .broadcast),
          Self.ethernet(to: LinkAddress(1, 0, 0x5e, 0, 0, 1)),
          Self.ethernet(to: Self.own, byteCount: 1514),
        ]
        for frame in good { #expect(try peer.waitToSend(frame)) }
        #expect(collector.waits { $0.frames.count == good.count })
        #expect(collector.frames == good)
        let received = link.statistics.received
        #expect(received[odd.cause] == 40)
        #expect(received.dropped == 40 && received.packets == 4 && received.offered == 44)
      }
    }
  }

  @Test func `a frame that the MTU allows and the pool does not hold is truncated`() throws {
    var options = LinkOptions(mtu: 1500)
    options.pool = PacketPool(frameByteCount: 1500, capacity: 64)
    for mode in [DispatchMode.readv, .recvmmsg] {
      try withLink(.seqpacket, options, fdOptions: MessageBatchTests.options(mode)) { link, peer in
        let collector = try Collector()
        try link.attach(collector)
        link.mtu = 2000
        for byteCount in [1501, 2000, 2001, 1500] { _ = peer.send(numbered(byteCount, byteCount: byteCount)) }
        #expect(collector.waits { $0.frames.count == 1 })
        #expect(collector.frames == [numbered(1500, byteCount: 1500)])
        let received = link.statistics.received
        // A read tells only that there was more, a message its size.
        #expect(received[.truncated] == (mode == .readv ? 3 : 2) && received.dropped == 3 && received.offered == 4)
      }
    }
  }

  @Test func `a packet that can never be sent is taken and counted`() throws {
    try withLink(.seqpacket, LinkOptions(linkAddress: Self.own)) { link, peer in
      try link.attach(Collector())
      let pool = PacketPool(frameByteCount: 2000, capacity: 64)
      let good = Self.ethernet(to: .broadcast)
      #expect(try link.write(frames: [good, good], pool: pool, headerLength: 0) == 2)
      #expect(try link.write(frames: [Self.ethernet(to: .broadcast, byteCount: 1515), good], pool: pool) == 2)
      #expect(try peer.waitToReceive() == good)
      #expect(peer.receive() == nil)
      let sent = link.statistics.sent
      #expect(sent[.unframed] == 2 && sent[.oversize] == 1 && sent.packets == 1 && sent.offered == 4)
    }
    try withLink { link, peer in
      try link.attach(Collector())
      #expect(try link.write(frames: [[], numbered(1)], pool: PacketPool(frameByteCount: 100, capacity: 64)) == 2)
      #expect(try peer.waitToReceive() == numbered(1))
      #expect(link.statistics.sent[.empty] == 1)
    }
  }
}
