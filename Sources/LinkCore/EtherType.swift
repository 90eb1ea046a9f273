/// The network protocol of a packet: the type field of an Ethernet header. IANA's "ETHER TYPES", `ETH_P_*`.
@frozen public struct EtherType: RawRepresentable, Hashable, BitwiseCopyable, Sendable {
  public var rawValue: UInt16
  @inlinable public init(rawValue: UInt16) { self.rawValue = rawValue }

  @inlinable public static var unknown: EtherType { EtherType(rawValue: 0) }
  @inlinable public static var ipv4: EtherType { EtherType(rawValue: 0x0800) }
  @inlinable public static var arp: EtherType { EtherType(rawValue: 0x0806) }
  @inlinable public static var ipv6: EtherType { EtherType(rawValue: 0x86dd) }

  /// The protocol of a packet without a link header, told by the version in its first four bits; `unknown` if that is
  /// neither 4 nor 6.
  @inlinable public init(ofIPPacketStartingWith byte: UInt8) {
    switch byte >> 4 {
    case 4: self = .ipv4
    case 6: self = .ipv6
    default: self = .unknown
    }
  }
}
