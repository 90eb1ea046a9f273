import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What is written arrives, byte for byte, and as much of it as the link says.
struct WriteMatrixTests {
  struct Cell: Sendable, CustomTestStringConvertible {
    let wire: Wire
    let byteCount: Int
    let hasHash: Bool
    var testDescription: String {
      "\(byteCount) bytes over \(wire.testDescription), flow hash \(hasHash ? "given" : "computed")"
    }

    /// A header alone is a frame; a packet of no byte is none.
    var isSent: Bool { byteCount > 0 || wire.isEthernet }
    /// A span of each length, up to more than a system call takes.
    var spans: [Int] { byteCount < 65_000 ? [1, 2, 31, 63, 64, 65, 130] : [1, 2, 31] }

    var frame: [UInt8] {
      let header: [UInt8] = wire.isEthernet ? [2, 0, 0, 0, 0, 9, 2, 0, 0, 0, 0, 1, 8, 0] : []
      return header + LinkConformance.payload(0, byteCount)
    }
  }

  static let table: [Cell] = {
    let sockets = [false, true].map { Wire(medium: .seqpacket, isEthernet: $0) }
    // A socket has no virtio-net header to hand offloads on.
    let interfaces = [(Wire.Medium.tun, false), (.tap, true), (.packet, true)].flatMap { medium, isEthernet in
      [false, true].map {
        Wire(
          medium: medium, way: medium == .packet ? .recvmmsg : .readv, isEthernet: isEthernet, interfaceMTU: 65_400,
          hasVirtioNetHeader: $0)
      }
    }
    return (sockets + interfaces).flatMap { wire in
      [0, 100, 1000, 65_000].flatMap { size in
        [false, true].map { Cell(wire: wire, byteCount: size, hasHash: $0) }
      }
    }
  }()

  @Test(arguments: table.filter { !$0.wire.medium.needsDevices })
  func `what is written to a socket arrives`(_ cell: Cell) throws { try Self.check(cell) }

  @Test(
    .enabled(if: canMakeDevices, "needs root and /dev/net/tun"),
    arguments: table.filter { $0.wire.medium.needsDevices })
  func `what is written to an interface arrives`(_ cell: Cell) throws { try Self.check(cell) }

  private static func check(_ cell: Cell) throws {
    let (wrong, sent) = try cell.wire.run(LinkOptions(mtu: 65_400)) { link, peer in
      try link.attach(Inbox())
      let packets = try NumberedPackets(cell.frame, headerLength: link.maxHeaderLength, capacity: cell.spans.max()!)
      let wrong = try cell.spans.reduce(0) {
        try $0 + packets.write($1, hasHash: cell.hasHash, on: link, isSent: cell.isSent, to: peer)
      }
      return (wrong, link.statistics.sent)
    }
    let count = cell.spans.reduce(0, +)
    #expect(wrong == 0 && sent.offered == UInt64(count))
    #expect(sent.packets == UInt64(cell.isSent ? count : 0) && sent[.empty] == UInt64(cell.isSent ? 0 : count))
    #expect(sent.bytes == sent.packets * UInt64(cell.frame.count))
  }

  /// Spans from one packet to many times what a socket holds, in system calls of one message and of many.
  @Test(arguments: [UnixSocket.Kind.seqpacket, .datagram], [128, 0])
  func `a span of any length is taken as far as there is room, and no further`(
    _ kind: UnixSocket.Kind, _ syscallHeaderByteCount: Int
  ) throws {
    var random = SeededRandom("spans of any length")
    var fdOptions = FDOptions()
    fdOptions.maxSyscallHeaderByteCount = syscallHeaderByteCount
    try withLink(kind, fdOptions: fdOptions) { link, peer in
      try link.attach(Inbox())
      let counts = [1, 5000] + (0..<6).map { _ in Int.random(in: 1...5000, using: &random) }
      let byteCount = Int.random(in: 20...1500, using: &random)
      let frame = LinkConformance.payload(0, byteCount)
      let packets = try NumberedPackets(frame, headerLength: 0, capacity: 5000)
      for count in counts {
        #expect(try packets.write(count, hasHash: false, on: link, isSent: true, to: peer) == 0, "seed \(random.seed)")
      }
      let sent = link.statistics.sent
      #expect(sent.packets == UInt64(counts.reduce(0, +)) && sent.dropped == 0, "seed \(random.seed)")
      #expect(sent.bytes == sent.packets * UInt64(byteCount), "seed \(random.seed)")
    }
  }
}

/// Packets that are alike but for their number, which is behind the first byte of the network layer as far as it fits.
private struct NumberedPackets {
  private let frame: [UInt8]
  private let headerLength: Int
  private let pool: PacketPool
  private let capacity: Int

  init(_ frame: [UInt8], headerLength: Int, capacity: Int) throws {
    self.frame = frame
    self.headerLength = headerLength
    self.capacity = capacity
    pool = PacketPool(frameByteCount: frame.count, capacity: capacity + 1)
  }

  private func frame(_ number: Int) -> [UInt8] {
    var frame = frame
    for index in frame.indices.dropFirst(headerLength + 1).prefix(4) {
      frame[index] = UInt8(truncatingIfNeeded: number >> (8 * (index - headerLength - 1)))
    }
    return frame
  }

  /// Writes `count` of them from one span, again and again with those that are left, and takes from the other end what the
  /// link says it took. Returns how many were not there, or other bytes, or too many, or refused with room.
  func write(
    _ count: Int, hasHash: Bool, on link: FDEndpoint, isSent: Bool, to peer: borrowing RawPeer
  ) throws -> Int {
    var queue = queue(count, hasHash: hasHash)
    var (next, wrong) = (0, 0)
    while next < count {
      let taken = try queue.withFront { packets throws(LinkError) in try link.writePackets(packets) }
      for _ in 0..<taken {
        _ = queue.removeFirst()
        if isSent, try peer.waitToReceive() != frame(next) { wrong += 1 }
        next += 1
      }
      // No more than that.
      if peer.receive() != nil { wrong += 1 }
    }
    return wrong
  }

  private func queue(_ count: Int, hasHash: Bool) -> PacketQueue {
    var template = pool.makePacket()!
    template.append(frame.count) { bytes in for index in frame.indices { bytes[index] = frame[index] } }
    template.markLinkHeader(headerLength)
    var queue = PacketQueue(capacity: count)
    for number in 0..<count {
      var packet = pool.makePacket()!
      packet.copy(template)
      let bytes = frame(number)
      packet.withMutableBytes { span in
        for index in span.indices.dropFirst().prefix(4) { span[index] = bytes[headerLength + index] }
      }
      if hasHash { packet.facts.flowHash = UInt32(number + 1) }
      queue.append(packet)
    }
    return queue
  }
}
