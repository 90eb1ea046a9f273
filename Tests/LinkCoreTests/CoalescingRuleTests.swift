import LinkCore
import LinkTestSupport
import Testing

/// Which packet may follow which in one: a row for each rule.
struct CoalescingRuleTests {
  enum Kind: CaseIterable, Sendable {
    case tcp4, tcp6, udp4, udp6
    static let tcp: [Kind] = [.tcp4, .tcp6]
    static let udp: [Kind] = [.udp4, .udp6]
    static let ipv4: [Kind] = [.tcp4, .udp4]
    static let ipv6: [Kind] = [.tcp6, .udp6]

    var isTCP: Bool { self == .tcp4 || self == .tcp6 }
    var isIPv6: Bool { self == .tcp6 || self == .udp6 }
  }

  /// Two packets, the second of which follows the first, until they are changed.
  struct Pair {
    let kind: Kind
    let linkHeaderLength: Int
    var packets: [InternetPacket]
    var offloads = [PacketOffload(), PacketOffload()]
    /// Done to the frames before checksums are set, with the place of the network header.
    var patches: [(inout [UInt8], Int) -> Void] = [{ _, _ in }, { _, _ in }]
    /// Done after that.
    var damage: [(inout [UInt8], Int) -> Void] = [{ _, _ in }, { _, _ in }]

    init(_ kind: Kind, _ linkHeaderLength: Int) {
      self.kind = kind
      self.linkHeaderLength = linkHeaderLength
      var first = InternetPacket()
      first.isTCP = kind.isTCP
      first.isIPv6 = kind.isIPv6
      if linkHeaderLength > 0 { first.linkHeader = InternetPacket.ethernet(isIPv6: kind.isIPv6) }
      first.sequence = 0xffff_ff80
      first.identification = 0xffff
      if kind.isTCP { first.tcpOptions = [1, 1, 8, 10, 1, 2, 3, 4, 5, 6, 7, 8] }
      first.payload = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 7) }
      var second = first
      second.sequence &+= 300
      second.identification &+= 1
      second.payload = (0..<300).map { UInt8(truncatingIfNeeded: $0 * 11) }
      packets = [first, second]
    }

    /// Where the transport header begins, behind the network header.
    var transport: Int { kind.isIPv6 ? 40 : 20 }

    mutating func patch(_ which: Int, _ offset: Int, _ change: @escaping (UInt8) -> UInt8) {
      patches[which] = { $0[$1 + offset] = change($0[$1 + offset]) }
    }
    mutating func damage(_ which: Int, _ offset: Int, _ change: @escaping (UInt8) -> UInt8) {
      damage[which] = { $0[$1 + offset] = change($0[$1 + offset]) }
    }

    var made: [CoalescingOracle.Packet] {
      packets.indices.map { index in
        var frame = packets[index].frame
        patches[index](&frame, linkHeaderLength)
        let isUsual = packets[index].networkOptions.isEmpty && packets[index].extensions.isEmpty
        if isUsual, offloads[index].checksum != .needed {
          InternetPacket.setChecksums(of: &frame, linkHeaderLength: linkHeaderLength)
        }
        damage[index](&frame, linkHeaderLength)
        return CoalescingOracle.Packet(frame, offloads[index])
      }
    }
  }

  struct Rule: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let kinds: [Kind]
    let joins: Bool
    let change: @Sendable (inout Pair) -> Void

    static func joins(_ name: String, _ kinds: [Kind], _ change: @escaping @Sendable (inout Pair) -> Void) -> Rule {
      Rule(testDescription: name, kinds: kinds, joins: true, change: change)
    }
    static func parts(_ name: String, _ kinds: [Kind], _ change: @escaping @Sendable (inout Pair) -> Void) -> Rule {
      Rule(testDescription: name, kinds: kinds, joins: false, change: change)
    }
  }

  /// A new one each time: tests run side by side.
  static var pool: PacketPool { PacketPool(frameByteCount: 65550, capacity: 64) }

  @Test(arguments: rules)
  func `packets are joined by the rules of the kernel`(_ rule: Rule) throws {
    for kind in rule.kinds {
      for linkHeaderLength in [0, 14] {
        var pair = Pair(kind, linkHeaderLength)
        rule.change(&pair)
        let packets = pair.made
        let result = try CoalescingOracle.check(packets, linkHeaderLength: linkHeaderLength, pool: Self.pool)
        #expect(result.count == (rule.joins ? 1 : 2), "\(kind)")
        if !rule.joins { #expect(result == packets, "\(kind)") }
      }
    }
  }

  @Test(arguments: Kind.allCases)
  func `a joined packet has the facts that a device would give it`(_ kind: Kind) throws {
    let pair = Pair(kind, 14)
    let result = try CoalescingOracle.check(pair.made, linkHeaderLength: 14, pool: Self.pool)
    var whole = pair.packets[0]
    whole.payload += pair.packets[1].payload
    var offload = whole.offload(segmentByteCount: 300, linkHeaderLength: 14)
    offload.headerByteCount = UInt16(whole.frame.count - 14 - 600)
    #expect(result == [CoalescingOracle.Packet(whole.frame, offload)])
  }
}
