import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// A kernel that refuses what it granted: the answers are those of a filter.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct OffloadRefusalTests {
  private struct Outcome: Sendable {
    var offloads: OffloadSupport
    var segmentation: SegmentationSupport
    var sent: LinkTally
  }

  /// What is left after `packets` were written with calls that fail with EINVAL, and others before and after that.
  private static func refused(
    _ packets: [OffloadedPacket], after first: [OffloadedPacket] = [], before last: [OffloadedPacket] = [],
    offloads: OffloadSupport = .all
  ) throws -> Outcome {
    try TestNetwork.inNamespace {
      let number = try NetworkDevice.open(.tun, name: "device", hasVirtioNetHeader: true).take().release()
      var options = LinkOptions()
      options.drive = .caller
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535)
      options.offloads = offloads
      let link = try FDEndpoint(takingOwnershipOf: number, options: options)
      defer {
        link.close()
        _ = link.step()
      }
      try NetworkDevice.setUp("device")
      try link.attach(Collector())
      if !first.isEmpty { try link.write(first) }
      let invalid: CInt = 22
      try ErrnoTests.failing([.writev], on: number, with: invalid) { try link.write(packets) }
      if !last.isEmpty { try link.write(last) }
      return Outcome(offloads: link.offloads, segmentation: link.segmentation, sent: link.statistics.sent)
    }
  }

  private static let segments = OffloadedPacket(.tcpOverIPv4, payload: 5000)
  private static let segmentCount: UInt64 = 5
  private static let datagrams = OffloadedPacket(.udp, payload: 5000)

  /// 5000 bytes in segments of 1000. The filter refuses them too, with every fact and without.
  @Test func `what the kernel refuses is done in software, down to packets without any facts`() throws {
    let outcome = try Self.refused([Self.segments])
    #expect(outcome.offloads.isEmpty)
    #expect(outcome.segmentation == SegmentationSupport(kind: .software, maxByteCount: 65535))
    #expect(outcome.sent[.offloadRefusal] == 2 && outcome.sent[.refused] == Self.segmentCount)
    #expect(outcome.sent[.softwareOffload] == 1 && outcome.sent.packets == 0)
  }

  @Test func `later packets arrive as segments with checksums`() throws {
    let outcome = try Self.refused([Self.segments], before: [Self.segments, Self.datagrams])
    #expect(outcome.sent[.refused] == Self.segmentCount && outcome.sent.packets == 2 * Self.segmentCount)
    #expect(outcome.sent[.softwareOffload] == 3 && outcome.sent.dropped == Self.segmentCount)
  }

  @Test func `a refused checksum switches everything off`() throws {
    let outcome = try Self.refused([OffloadedPacket(.none, payload: 100), Self.segments])
    #expect(outcome.sent[.offloadRefusal] == 1 && outcome.sent[.refused] == 1 + Self.segmentCount)
    #expect(outcome.offloads.isEmpty && outcome.segmentation.kind == .software)
  }

  @Test func `what the kernel has taken before stays on`() throws {
    let outcome = try Self.refused([Self.segments], after: [Self.segments])
    #expect(outcome.offloads.contains(.tcpOverIPv4) && outcome.sent.packets == 1)
    #expect(outcome.sent[.offloadRefusal] == 0 && outcome.sent[.refused] == 1)
  }

  @Test func `what the kernel has taken of packets that were joined stays on`() throws {
    var packet = InternetPacket()
    packet.payload = [UInt8](repeating: 1, count: 1000)
    var row: [OffloadedPacket] = []
    for _ in 0..<3 {
      row.append(OffloadedPacket(bytes: packet.completeFrame, offload: PacketOffload()))
      packet.sequence &+= 1000
      packet.identification &+= 1
    }
    let outcome = try Self.refused([Self.segments], after: row)
    #expect(outcome.sent[.coalescedPacket] == 2)
    #expect(outcome.offloads.contains(.tcpOverIPv4))
    #expect(outcome.sent[.offloadRefusal] == 0 && outcome.sent[.refused] == 1)
  }

  @Test func `a packet that is wrong itself switches nothing off`() throws {
    var (wrongKind, wrongPlace, empty, wrongSize) = (Self.segments, Self.segments, Self.segments, Self.segments)
    wrongKind.offload.segmentation = .tcpOverIPv6
    wrongPlace.offload.checksumOffset = 6
    empty.bytes.removeLast(5000)
    wrongSize.offload.segmentByteCount = 0xffff
    let outcome = try Self.refused([wrongKind, wrongPlace, empty, wrongSize])
    #expect(outcome.offloads.isSuperset(of: [.checksum, .tcpOverIPv4, .tcpOverIPv6]))
    #expect(outcome.sent[.offloadRefusal] == 0 && outcome.sent[.refused] == 4)
  }

  /// The kernel itself refuses this one, on a device that has taken nothing yet.
  @Test func `segments of a size that is a mark of the kernel switch nothing off`() throws {
    let (offloads, sent) = try TestNetwork.inNamespace {
      var device = DeviceOptions()
      device.hasVirtioNetHeader = true
      var options = LinkOptions()
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535)
      let link = try FDEndpoint.tun(name: "device", options: options, device: device)
      defer { link.close() }
      try NetworkDevice.setUp("device")
      try link.attach(Collector())
      var packet = Self.segments
      packet.offload.segmentByteCount = 0xffff
      try link.write([packet])
      return (link.offloads, link.statistics.sent)
    }
    #expect(offloads.contains(.tcpOverIPv4) && sent[.offloadRefusal] == 0 && sent[.refused] == 1)
  }

  @Test func `a raw frame goes with an empty header`() throws {
    let sent = try TestNetwork.inNamespace {
      var device = DeviceOptions()
      device.hasVirtioNetHeader = true
      let link = try FDEndpoint.tun(name: "device", device: device)
      defer { link.close() }
      try NetworkDevice.setUp("device")
      try link.attach(Collector())
      var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
      batch.append { packet in
        // Facts that no kernel takes.
        OffloadedPacket(.udp, payload: 10).fill(&packet, isEthernet: false)
        packet.facts.offload.segmentation = .udpFragments
        packet.facts.isRawFrame = true
      }
      _ = try link.writeBatch(batch)
      return link.statistics.sent
    }
    #expect(sent.packets == 1 && sent.dropped == 0)
  }
}
