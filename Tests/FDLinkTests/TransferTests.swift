import FDLink
import LinkCore
import LinkSystem
import Testing

struct TransferTests {
  @Test(arguments: [UnixSocket.Kind.seqpacket, .datagram])
  func `packets cross in both directions and in order`(_ kind: UnixSocket.Kind) throws {
    let ends = try UnixSocket.pair(kind).takeBoth()
    let links = try [ends[0], ends[1]].map { try FDEndpoint(takingOwnershipOf: $0) }
    let collectors = try links.map { _ in try Collector() }
    for (link, collector) in zip(links, collectors) { try link.attach(collector) }
    let frames = (0..<5).map { numbered($0, byteCount: 20 + 300 * $0) }
    let pool = PacketPool(frameByteCount: 1500, capacity: 64)
    for (sender, receiver) in [(0, 1), (1, 0)] {
      #expect(try links[sender].write(frames: frames, pool: pool) == 5)
      #expect(collectors[receiver].waits { $0.frames == frames })
      let sent = links[sender].statistics.sent
      #expect(sent.packets == 5 && sent.offered == 5 && sent.bytes == UInt64(frames.map(\.count).reduce(0, +)))
      #expect(links[receiver].statistics.received.packets == 5)
    }
    for link in links {
      link.close()
      try link.wait()
    }
  }

  @Test func `an Ethernet frame arrives with its header marked and its facts stored`() throws {
    let own = LinkAddress(2, 0, 0, 0, 0, 1)
    let other = LinkAddress(2, 0, 0, 0, 0, 2)
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let a = try FDEndpoint(takingOwnershipOf: ends[0], options: LinkOptions(linkAddress: own))
    let b = try FDEndpoint(takingOwnershipOf: ends[1], options: LinkOptions(linkAddress: other))
    #expect(a.maxHeaderLength == 14 && a.hardwareType == .ethernet && a.capabilities == .resolutionRequired)
    let collector = try Collector()
    try b.attach(collector)
    try a.attach(Collector())
    let pool = PacketPool(frameByteCount: 1514, capacity: 1)
    var batch = PacketBatch(capacity: 1, pool: pool)
    batch.append { packet in
      packet.append(20) { span in for index in span.indices { span[index] = 0x45 } }
      packet.facts.remoteAddress = other
    }
    try batch.modify(0) { packet throws(LinkError) in try a.addHeader(to: &packet) }
    #expect(try a.writeBatch(batch) == 1)
    #expect(collector.waits { $0.frames.count == 1 })
    let frame = try #require(collector.frames.first)
    #expect(frame == [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 8, 0] + [UInt8](repeating: 0x45, count: 20))
    a.close()
    b.close()
  }

  @Test func `a detached link keeps its packets in the kernel`() throws {
    try withLink { link, peer in
      let first = try Collector()
      try link.attach(first)
      _ = peer.send(numbered(1))
      #expect(first.waits { $0.frames.count == 1 })
      link.detach()
      #expect(!link.isAttached)
      for number in 2...4 { _ = peer.send(numbered(number)) }
      let second = try Collector()
      try link.attach(second)
      #expect(second.waits { $0.frames.count == 3 })
      #expect(second.frames.map(number(of:)) == [2, 3, 4])
      #expect(first.frames.count == 1 && first.now.closings.isEmpty)
    }
  }

  @Test func `sending needs an attached link`() throws {
    try withLink { link, peer in
      let pool = PacketPool(frameByteCount: 1500, capacity: 64)
      let idle = #expect(throws: LinkError.self) { try link.write(frames: [numbered(1)], pool: pool) }
      #expect(idle?.code == .notAttached)
      try link.attach(Collector())
      #expect(try link.write(frames: [], pool: pool) == 0)
      link.close()
      try link.wait()
      let closed = #expect(throws: LinkError.self) { try link.write(frames: [numbered(1)], pool: pool) }
      #expect(closed?.code == .closed)
      #expect(link.statistics.sent.offered == 0)
    }
  }

  @Test func `an MTU out of range is brought into it`() throws {
    try withLink { link, peer in
      link.mtu = 0
      #expect(link.mtu == LinkOptions.mtuRange.lowerBound)
      link.mtu = .max
      #expect(link.mtu == LinkOptions.mtuRange.upperBound)
    }
  }
}
