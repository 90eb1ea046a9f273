import LinkCore
import LinkTestSupport

extension FuzzTarget {
  static var segmentationSeeds: [Seed] {
    var seeds: [Seed] = []
    for isEthernet in [false, true] {
      for isIPv6 in [false, true] {
        for isTCP in [true, false] {
          let name = "\(isTCP ? "tcp" : "udp")\(isIPv6 ? 6 : 4)-\(isEthernet ? "ethernet" : "ip")"
          var packet = InternetPacket()
          (packet.isIPv6, packet.isTCP) = (isIPv6, isTCP)
          if isEthernet { packet.linkHeader = InternetPacket.ethernet(isIPv6: isIPv6, tags: isTCP ? [5] : []) }
          if isIPv6 { packet.extensions = [(0, [0, 5, 2, 0, 0, 1, 0])] }
          if isTCP { packet.tcpOptions = [1, 1, 8, 10, 0, 0, 0, 1, 0, 0, 0, 2] }
          packet.payload = (0..<300).map { UInt8(truncatingIfNeeded: $0) }
          seeds.append(segmentation(name, packet, size: 100))
          seeds.append(segmentation("\(name)-checksum", packet, size: 0))
        }
      }
    }
    var packet = InternetPacket()
    packet.payload = [UInt8](repeating: 1, count: 1025)
    seeds.append(segmentation("too-many", packet, size: 1))
    seeds.append(segmentation("fragments", packet, size: 500, kind: 4))
    packet.flags = 0xf9
    packet.urgentPointer = 700
    seeds.append(segmentation("all-flags", packet, size: 500))
    packet.isIPv6 = true
    packet.extensions = [(44, [0, 0, 1, 0, 0, 0, 0])]
    seeds.append(segmentation("a-fragment", packet, size: 500))
    return seeds
  }

  private static func segmentation(_ name: String, _ packet: InternetPacket, size: Int, kind: UInt8? = nil) -> Seed {
    let linkHeaderLength = packet.linkHeader.isEmpty ? 0 : 14
    let offload = packet.offload(segmentByteCount: size, linkHeaderLength: linkHeaderLength)
    let numbers = [offload.segmentByteCount, offload.checksumStart, offload.checksumOffset]
    // As `SegmentationFuzz` counts kinds.
    let kind = kind ?? (size == 0 ? 0 : packet.isTCP ? (packet.isIPv6 ? 2 : 1) : 3)
    let choices: [UInt8] = [linkHeaderLength == 0 ? 0 : 1, 0, 0, kind, 0]
    return Seed(name, choices + numbers.flatMap { Seed.bytes(UInt64($0), 2) } + [0] + packet.frame)
  }
}
