/// The 14 bytes in front of an Ethernet frame. IEEE 802.3, `struct ethhdr`.
@frozen public struct EthernetHeader: Equatable, Sendable {
  @inlinable public static var byteCount: Int { 14 }

  public var destination: LinkAddress
  public var source: LinkAddress
  public var type: EtherType

  public init(destination: LinkAddress, source: LinkAddress, type: EtherType) {
    self.destination = destination
    self.source = source
    self.type = type
  }

  /// Reads the header at the front of `frame`; nil if the frame is shorter.
  @inlinable @inline(__always) public init?(_ frame: Span<UInt8>) {
    guard frame.count >= Self.byteCount else { return nil }
    // The last two of eight bytes are not the address's.
    let (front, back) = (frame.word64(at: 0), frame.word64(at: 6))
    destination = LinkAddress(bits: front >> 16)
    source = LinkAddress(bits: back >> 16)
    type = EtherType(rawValue: UInt16(truncatingIfNeeded: back))
  }

  /// Writes the header to the first 14 bytes of `frame`.
  public func write(to frame: inout MutableSpan<UInt8>) {
    for index in 0..<6 {
      frame[index] = destination[index]
      frame[6 + index] = source[index]
    }
    frame[12] = UInt8(truncatingIfNeeded: type.rawValue >> 8)
    frame[13] = UInt8(truncatingIfNeeded: type.rawValue)
  }
}

extension Span<UInt8> {
  /// What an Ethernet frame carries, and where that begins: behind VLAN tags, the outer and the inner one. For frames with a
  /// whole link header.
  func ethernetPayload() -> (type: EtherType, start: Int) {
    var type = word16(at: 12)
    var start = EthernetHeader.byteCount
    for _ in 0..<2 {
      guard type == 0x8100 || type == 0x88a8, count >= start + 4 else { break }
      type = word16(at: start + 2)
      start += 4
    }
    return (EtherType(rawValue: type), start)
  }
}
