/// A link-layer address: the six bytes of an Ethernet (EUI-48) address.
@frozen public struct LinkAddress: Hashable, BitwiseCopyable, Sendable {
  /// The address in the low 48 bits, first byte highest: 02:00:00:00:00:01 is 0x0200_0000_0001.
  @usableFromInline let bits: UInt64

  @inlinable init(bits: UInt64) { self.bits = bits }

  /// From its six bytes, in the order of the wire.
  public init(_ b0: UInt8, _ b1: UInt8, _ b2: UInt8, _ b3: UInt8, _ b4: UInt8, _ b5: UInt8) {
    let bytes: [6 of UInt8] = [b0, b1, b2, b3, b4, b5]
    bits = bytes.indices.reduce(0) { $0 << 8 | UInt64(bytes[$1]) }
  }

  /// Parses `02:00:00:00:00:01` (or with `-`); nil for anything else.
  public init?(_ text: String) {
    let parts = text.split(separator: text.contains("-") ? "-" : ":", omittingEmptySubsequences: false)
    guard parts.count == 6 else { return nil }
    var bits: UInt64 = 0
    for part in parts {
      guard part.utf8.count == 2, part.allSatisfy(\.isHexDigit), let byte = UInt8(part, radix: 16) else { return nil }
      bits = bits << 8 | UInt64(byte)
    }
    self.bits = bits
  }

  /// ff:ff:ff:ff:ff:ff, everyone on the segment.
  public static let broadcast = LinkAddress(bits: 0xffff_ffff_ffff)

  /// The byte at `index`, 0 to 5, in the order of the wire.
  @inlinable public subscript(index: Int) -> UInt8 { UInt8(truncatingIfNeeded: bits >> UInt64(40 - 8 * index)) }

  /// The group bit: a multicast address, or broadcast.
  public var isMulticast: Bool { self[0] & 1 != 0 }
}

extension LinkAddress: CustomStringConvertible {
  public var description: String {
    (0..<6).map { (self[$0] < 16 ? "0" : "") + String(self[$0], radix: 16) }.joined(separator: ":")
  }
}
