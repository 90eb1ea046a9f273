import LinkCore
import LinkTestSupport

extension CoalescingRuleTests {
  static let rules: [Rule] = common + tcp + udp + ipv4 + ipv6

  private static let common: [Rule] = [
    .joins("the next segment", Kind.allCases) { _ in },
    .joins("a shorter one", Kind.allCases) { $0.packets[1].payload.removeLast(299) },
    .parts("a longer one", Kind.allCases) { $0.packets[1].payload.append(0) },
    .parts("an empty one", Kind.allCases) { $0.packets[1].payload = [] },
    .parts("behind an empty one", Kind.allCases) {
      $0.packets[0].payload = []
      $0.packets[1].sequence &-= 300
    },
    .parts("another source port", Kind.allCases) { $0.packets[1].sourcePort = 1 },
    .parts("another destination port", Kind.allCases) { $0.patch(1, $0.transport + 3) { $0 ^ 1 } },
    .parts("another source address", Kind.allCases) {
      $0.patch(1, $0.transport - 5 - ($0.kind.isIPv6 ? 12 : 0)) { $0 ^ 1 }
    },
    .parts("another destination address", Kind.allCases) { $0.patch(1, $0.transport - 1) { $0 ^ 1 } },
    .parts("another link address", Kind.allCases) { pair in
      if pair.linkHeaderLength > 0 {
        pair.damage[1] = { frame, _ in frame[11] ^= 1 }
      } else {
        pair.packets[1].payload = []
      }
    },
    .parts("padding behind it", Kind.allCases) { $0.damage[1] = { frame, _ in frame.append(0) } },
    .parts("padding behind the first", Kind.allCases) { $0.damage[0] = { frame, _ in frame.append(0) } },
    .parts("the end is missing", Kind.allCases) { $0.damage[1] = { frame, _ in frame.removeLast() } },
    .parts("a damaged byte", Kind.allCases) { $0.damage(1, $0.transport + 100) { $0 ^ 1 } },
    .parts("a damaged byte in the first", Kind.allCases) { $0.damage(0, $0.transport + 100) { $0 ^ 1 } },
    .joins("checksums that were verified by others", Kind.allCases) { pair in
      for index in 0..<2 {
        pair.offloads[index].checksum = .verified
        pair.damage(index, pair.transport + (pair.kind.isTCP ? 16 : 6)) { $0 == 7 ? 8 : 7 }
      }
    },
    .joins("checksums to be computed", Kind.allCases) { pair in
      for index in 0..<2 {
        pair.offloads[index] = pair.packets[index].offload(segmentByteCount: 0, linkHeaderLength: pair.linkHeaderLength)
      }
    },
    .parts("a checksum to be computed from a wrong sum", Kind.allCases) { pair in
      pair.offloads[1] = pair.packets[1].offload(segmentByteCount: 0, linkHeaderLength: pair.linkHeaderLength)
      pair.damage(1, pair.transport + (pair.kind.isTCP ? 16 : 6)) { $0 ^ 1 }
    },
    .parts("a checksum to be computed of something else", Kind.allCases) { pair in
      pair.offloads[1] = pair.packets[1].offload(segmentByteCount: 0, linkHeaderLength: pair.linkHeaderLength)
      pair.offloads[1].checksumStart += 2
    },
    .parts("a checksum to be put somewhere else", Kind.allCases) { pair in
      pair.offloads[1] = pair.packets[1].offload(segmentByteCount: 0, linkHeaderLength: pair.linkHeaderLength)
      pair.offloads[1].checksumOffset += 2
    },
    .parts("to be cut already", Kind.allCases) { pair in
      pair.offloads[1] = pair.packets[1].offload(segmentByteCount: 100, linkHeaderLength: pair.linkHeaderLength)
    },
  ]

  private static let tcp: [Rule] = [
    .parts("a gap", Kind.tcp) { $0.packets[1].sequence &+= 1 },
    .parts("an overlap", Kind.tcp) { $0.packets[1].sequence &-= 1 },
    .parts("the same once more", Kind.tcp) { $0.packets[1] = $0.packets[0] },
    .joins("PSH", Kind.tcp) { $0.packets[1].flags |= 8 },
    .parts("behind PSH", Kind.tcp) { $0.packets[0].flags |= 8 },
    .parts("FIN", Kind.tcp) { $0.packets[1].flags |= 1 },
    .parts("behind FIN", Kind.tcp) { $0.packets[0].flags |= 1 },
    .parts("SYN", Kind.tcp) { $0.packets[1].flags |= 2 },
    .parts("behind SYN", Kind.tcp) { $0.packets[0].flags |= 2 },
    .parts("RST", Kind.tcp) { $0.packets[1].flags |= 4 },
    .parts("behind RST", Kind.tcp) { $0.packets[0].flags |= 4 },
    .parts("URG", Kind.tcp) { $0.packets[1].flags |= 32 },
    .parts("behind URG", Kind.tcp) { $0.packets[0].flags |= 32 },
    .parts("ECE", Kind.tcp) { $0.packets[1].flags |= 64 },
    .parts("behind ECE", Kind.tcp) { $0.packets[0].flags |= 64 },
    .parts("CWR", Kind.tcp) { $0.packets[1].flags |= 128 },
    .parts("behind CWR", Kind.tcp) { $0.packets[0].flags |= 128 },
    .parts("no ACK", Kind.tcp) { $0.packets[1].flags = 0 },
    .parts("behind no ACK", Kind.tcp) { $0.packets[0].flags = 0 },
    .parts("another acknowledgement", Kind.tcp) { $0.patch(1, $0.transport + 11) { $0 ^ 1 } },
    .parts("another window", Kind.tcp) { $0.patch(1, $0.transport + 15) { $0 ^ 1 } },
    .parts("another reserved flag", Kind.tcp) { $0.patch(1, $0.transport + 12) { $0 ^ 1 } },
    .parts("another urgent pointer", Kind.tcp) { $0.packets[1].urgentPointer = 1 },
    .parts("another time stamp", Kind.tcp) { $0.packets[1].tcpOptions[7] ^= 1 },
    .parts("fewer options", Kind.tcp) { $0.packets[1].tcpOptions = [] },
    .parts("more options", Kind.tcp) { $0.packets[1].tcpOptions += [1, 1, 1, 1] },
    .joins("no options", Kind.tcp) { pair in for index in 0..<2 { pair.packets[index].tcpOptions = [] } },
    .parts("a header longer than the packet", Kind.tcp) {
      $0.packets[1].payload = [1, 2, 3]
      $0.patch(1, $0.transport + 12) { _ in 0xf0 }
    },
    .parts("a header shorter than a header", Kind.tcp) { $0.patch(1, $0.transport + 12) { _ in 0x40 } },
  ]

  private static let udp: [Rule] = [
    .parts("no checksum", Kind.udp) { $0.damage[1] = noChecksum($0) },
    .parts("behind no checksum", Kind.udp) { $0.damage[0] = noChecksum($0) },
    .parts("another length in the header", Kind.udp) { $0.patch(1, $0.transport + 5) { $0 &+ 1 } },
  ]

  private static func noChecksum(_ pair: Pair) -> (inout [UInt8], Int) -> Void {
    let field = pair.transport + 6
    return { frame, network in for index in 0..<2 { frame[network + field + index] = 0 } }
  }

  private static let ipv4: [Rule] = [
    .parts("another time to live", Kind.ipv4) { $0.patch(1, 8) { $0 ^ 1 } },
    .parts("another type of service", Kind.ipv4) { $0.patch(1, 1) { $0 ^ 4 } },
    .parts("congestion experienced", Kind.ipv4) { $0.patch(1, 1) { $0 ^ 3 } },
    .parts("it may be fragmented", Kind.ipv4) { $0.patch(1, 6) { $0 ^ 0x40 } },
    .joins("both may be fragmented", Kind.ipv4) { pair in for index in 0..<2 { pair.patch(index, 6) { $0 ^ 0x40 } } },
    .parts("the reserved flag", Kind.ipv4) { pair in for index in 0..<2 { pair.patch(index, 6) { $0 | 0x80 } } },
    .parts("a first fragment", Kind.ipv4) { pair in for index in 0..<2 { pair.patch(index, 6) { $0 | 0x20 } } },
    .parts("a later fragment", Kind.ipv4) { pair in for index in 0..<2 { pair.patch(index, 7) { $0 | 1 } } },
    .joins("one identification, never fragmented", Kind.ipv4) { $0.packets[1].identification = 0xffff },
    .parts("one identification, perhaps fragmented", Kind.ipv4) { pair in
      pair.packets[1].identification = 0xffff
      for index in 0..<2 { pair.patch(index, 6) { $0 ^ 0x40 } }
    },
    .parts("an identification left out", Kind.ipv4) { $0.packets[1].identification = 1 },
    .parts("options", Kind.ipv4) { pair in for index in 0..<2 { pair.packets[index].networkOptions = [1, 1, 1, 1] } },
    .parts("a damaged IP header", Kind.ipv4) { $0.damage(1, 10) { $0 ^ 1 } },
    .parts("a damaged IP header in the first", Kind.ipv4) { $0.damage(0, 10) { $0 ^ 1 } },
    .parts("another protocol", Kind.ipv4) { $0.damage(1, 9) { $0 ^ 23 } },
  ]

  private static let ipv6: [Rule] = [
    .parts("another hop limit", Kind.ipv6) { $0.patch(1, 7) { $0 ^ 1 } },
    .parts("another traffic class", Kind.ipv6) { $0.patch(1, 0) { $0 ^ 1 } },
    .parts("congestion experienced", Kind.ipv6) { $0.patch(1, 1) { $0 ^ 0x30 } },
    .parts("another flow label", Kind.ipv6) { $0.patch(1, 3) { $0 ^ 1 } },
    .parts("extension headers", Kind.ipv6) { pair in
      for index in 0..<2 { pair.packets[index].extensions = [(60, [0, 1, 4, 0, 0, 0, 0])] }
    },
  ]
}
