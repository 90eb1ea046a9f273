import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport

/// A TCP or UDP packet whose checksum is left out, to be cut or not. Bytes of the network layer.
struct OffloadedPacket: Equatable, Sendable {
  var bytes: [UInt8]
  var offload: PacketOffload

  init(bytes: [UInt8], offload: PacketOffload) {
    self.bytes = bytes
    self.offload = offload
  }

  /// Of TCP over IPv4 where nothing is to be cut.
  init(_ kind: PacketOffload.Segmentation, payload: Int) {
    var packet = InternetPacket()
    packet.isIPv6 = kind == .tcpOverIPv6
    packet.isTCP = kind != .udp
    packet.payload = (0..<payload).map { UInt8(truncatingIfNeeded: $0 &* 7) }
    bytes = packet.frame
    offload = packet.offload(segmentByteCount: kind == .none ? 0 : 1000, linkHeaderLength: 0)
    if kind != .none { offload.headerByteCount = UInt16(bytes.count - payload) }
  }

  /// With a VLAN tag in front of the network header.
  var tagged: OffloadedPacket {
    var packet = OffloadedPacket(bytes: [0, 5, 8, 0] + bytes, offload: offload)
    packet.offload.checksumStart += 4
    packet.offload.headerByteCount += 4
    return packet
  }

  /// Fills an empty packet, with an Ethernet header where the link has one.
  func fill(_ packet: inout PacketBuffer, isEthernet: Bool) {
    packet.append(bytes.count) { span in for index in bytes.indices { span[index] = bytes[index] } }
    packet.facts.offload = offload
    guard isEthernet else { return }
    var header = InternetPacket.ethernet(isIPv6: bytes[0] >> 4 == 6)
    if bytes[0] == 0 { header.replaceSubrange(12..<14, with: [0x81, 0]) }
    packet.prependLinkHeader(header.count) { span in for index in header.indices { span[index] = header[index] } }
  }
}

extension FDEndpoint {
  /// In one write, which takes all of them.
  func write(_ packets: [OffloadedPacket]) throws {
    let pool = PacketPool(frameByteCount: 65536 + 18, capacity: packets.count)
    var batch = PacketBatch(capacity: packets.count, pool: pool)
    for packet in packets { batch.append { packet.fill(&$0, isEthernet: linkAddress != nil) } }
    guard try writeBatch(batch) == packets.count else { throw DidNotHappen(description: "not all were taken") }
  }
}

/// Keeps what arrives, with its facts.
final class OffloadCollector: LinkDispatcher {
  let packets = Lock<[OffloadedPacket]>([])

  func deliverPackets(_ batch: inout PacketBatch) {
    for index in 0..<batch.count {
      let packet = batch.withPacket(index) {
        OffloadedPacket(bytes: $0.withBytes(bytes), offload: $0.facts.offload)
      }
      packets.withLock { $0.append(packet) }
    }
  }
  func linkHasRoom() {}
  func linkDidClose(_ reason: LinkCloseReason) {}
}
