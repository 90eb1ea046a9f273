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

  private struct Outcome: Sendable {
    var refusals = 0
    var frames: [[UInt8]] = []
    var received = LinkTally()
  }

  private static let bursts = [1, 40]

  /// Sends odd frames, more than a batch has room for, and behind each burst good ones, each of which has to arrive.
  private static func outcome(_ cell: OddFrame.Cell) throws -> Outcome {
    var options = LinkOptions(mtu: OddFrame.Cell.mtu)
    if cell.frame == .truncated {
      options.mtu = OddFrame.Cell.smallMTU
      options.pool = PacketPool(
        frameByteCount: OddFrame.Cell.smallMTU + (cell.wire.isEthernet ? 14 : 0), capacity: 64)
    }
    return try cell.wire.run(options, filtersAddresses: true) { link, peer in
      link.mtu = OddFrame.Cell.mtu
      var outcome = Outcome()
      let collector = try Collector()
      try link.attach(collector)
      let (odd, good) = (cell.bytes, cell.good)
      var count = 0
      for burst in bursts {
        for _ in 0..<burst {
          if case .refused = cell.fate { outcome.refusals += peer.send(odd) < 0 ? 1 : 0 } else { try peer.deliver(odd) }
        }
        for frame in good { try peer.deliver(frame) }
        count += good.count + (cell.fate == .delivered ? burst : 0)
        try collector.need { $0.frames.count >= count }
      }
      outcome.frames = collector.frames
      outcome.received = link.statistics.received
      return outcome
    }
  }

  static func check(_ cell: OddFrame.Cell) throws {
    if case .none(let reason) = cell.fate { return #expect(!reason.isEmpty) }
    let outcome = try outcome(cell)
    let odd = cell.fate == .delivered ? [cell.bytes] : []
    let expected = bursts.flatMap { burst in (0..<burst).flatMap { _ in odd } + cell.good }
    #expect(outcome.frames == expected)
    let count = bursts.reduce(0, +)
    var drops: UInt64 = 0
    if case .dropped(let cause) = cell.fate {
      drops = UInt64(count)
      #expect(outcome.received[cause] == drops)
    }
    if case .refused = cell.fate { #expect(outcome.refusals == count) }
    let received = outcome.received
    #expect(received.packets == UInt64(expected.count) && received.dropped == drops)
    #expect(received.offered == UInt64(expected.count) + drops)
  }

  @Test(arguments: OddFrame.table.filter { !$0.wire.medium.needsDevices })
  func `an odd frame on a socket meets its fate, and the next good one arrives`(_ cell: OddFrame.Cell) throws {
    try Self.check(cell)
  }

  @Test(
    .enabled(if: canMakeDevices, "needs root and /dev/net/tun"),
    arguments: OddFrame.table.filter { $0.wire.medium.needsDevices })
  func `an odd frame on an interface meets its fate, and the next good one arrives`(_ cell: OddFrame.Cell) throws {
    try Self.check(cell)
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
