import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Virtio-net headers on packet sockets.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct PacketSocketOffloadTests {
  typealias Way = PacketSocketTests.Way

  @Test(arguments: Way.allCases) func `a TCP stream crosses in large segments`(_ way: Way) throws {
    let stream = try KernelStream.tcp(KernelStream.Way(isTAP: true).with(.packetSocket(way)))
    #expect(stream.near.offloads == .all)
    #expect(try stream.transfer(4 << 20))
    let large = stream.forth.seen.filter { $0.byteCount > 1500 }
    #expect(large.contains { $0.byteCount > 20_000 })
    #expect(large.allSatisfy { $0.segmentation == .tcpOverIPv4 && (1000..<1500).contains($0.segmentByteCount) })
    #expect(stream.far.statistics.sent[.refused] == 0 && stream.near.statistics.received[.malformed] == 0)
  }

  /// Two links on a pair of interfaces, each with virtio-net headers.
  private static func withLinks<R: Sendable>(
    _ way: Way, offloads: OffloadSupport = .all, hasSegmentation: Bool = true,
    _ body: @escaping @Sendable (FDEndpoint, FDEndpoint, OffloadCollector) throws -> R
  ) throws -> R {
    try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      var socket = PacketSocketOptions()
      socket.hasVirtioNetHeader = true
      var links: [FDEndpoint] = []
      for (name, last) in [("left", 1), ("right", 2)] as [(String, UInt8)] {
        var options = LinkOptions(linkAddress: LinkAddress(2, 0, 0, 0, 0, last))
        if hasSegmentation { options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535) }
        options.offloads = offloads
        links.append(
          try FDEndpoint.packet(interface: name, options: options, fdOptions: way.options, socket: socket))
      }
      defer { for link in links { link.close() } }
      let collector = OffloadCollector()
      try links[0].attach(Collector())
      try links[1].attach(collector)
      return try body(links[0], links[1], collector)
    }
  }

  @Test(arguments: Way.allCases) func `packets cross with their facts`(_ way: Way) throws {
    let packets = [
      OffloadedPacket(.tcpOverIPv4, payload: 40_000), OffloadedPacket(.tcpOverIPv6, payload: 30_000),
      OffloadedPacket(.udp, payload: 9_000), OffloadedPacket(.none, payload: 100),
    ]
    let (arrived, statistics) = try Self.withLinks(way) { left, right, collector in
      try left.write(packets)
      _ = try eventually { collector.packets.withLock { $0.count >= packets.count } }
      return (collector.packets.withLock { $0.ownCopy }, left.statistics)
    }
    #expect(statistics.sent.packets == 4 && statistics.sent.dropped == 0)
    #expect(arrived.count == 4)
    for (packet, original) in zip(arrived, packets) {
      #expect(packet.bytes == original.bytes)
      #expect(packet.offload.segmentation == original.offload.segmentation)
      #expect(packet.offload.segmentByteCount == original.offload.segmentByteCount)
      #expect(packet.offload.checksum == .needed && packet.offload.checksumStart == original.offload.checksumStart)
      #expect(packet.offload.checksumOffset == original.offload.checksumOffset)
    }
  }

  @Test(arguments: Way.allCases) func `a VLAN tag moves what the facts point to`(_ way: Way) throws {
    let packet = OffloadedPacket(.tcpOverIPv4, payload: 20_000).tagged
    let arrived = try Self.withLinks(way) { left, right, collector in
      try left.write([packet])
      _ = try eventually { collector.packets.withLock { !$0.isEmpty } }
      return collector.packets.withLock { $0.ownCopy }
    }
    #expect(arrived.count == 1)
    #expect(arrived.first?.bytes == packet.bytes)
    #expect(arrived.first?.offload.checksumStart == 24 && arrived.first?.offload.segmentation == .tcpOverIPv4)
  }

  @Test func `without segmentation larger packets do not come and do not go`() throws {
    let packet = OffloadedPacket(.tcpOverIPv4, payload: 4000)
    let (offloads, sent) = try Self.withLinks(.recvmmsg, hasSegmentation: false) { left, right, collector in
      try left.write([packet])
      return (left.offloads, left.statistics.sent)
    }
    #expect(offloads == .checksum && sent[.oversize] == 1 && sent.offered == 1)
  }

  @Test func `sockets with and without a header make no link`() throws {
    let code = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let sockets = try [true, false].map {
        try PacketSocket.open(interface: "left", hasVirtioNetHeader: $0).release()
      }
      defer { for number in sockets { _ = OwnedDescriptor(owning: number) } }
      let options = LinkOptions(linkAddress: PacketSocketTests.own)
      do throws(LinkError) { _ = try FDEndpoint(takingOwnershipOf: sockets, options: options) } catch {
        return LinkError.Code?.some(error.code)
      }
      return nil
    }
    #expect(code == .invalidArgument)
  }
}
