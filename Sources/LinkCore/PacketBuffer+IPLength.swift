/// The length that an IP packet says it has.
extension PacketBuffer {
  /// Cuts an IP packet that is longer than it says, and leaves alone what is none, or says what cannot be.
  @usableFromInline mutating func trimPadding() {
    let claimedByteCount: Int?
    switch facts.networkProtocol {
    case .ipv4: claimedByteCount = withBytes { Self.claimedByteCount(ofIPv4: $0) }
    case .ipv6: claimedByteCount = withBytes { Self.claimedByteCount(ofIPv6: $0) }
    default: return
    }
    if let claimedByteCount { trim(toByteCount: claimedByteCount) }
  }

  private static func claimedByteCount(ofIPv4 bytes: Span<UInt8>) -> Int? {
    guard bytes.count >= 20, bytes[0] >> 4 == 4 else { return nil }
    let byteCount = Int(bytes.word16(at: 2))
    return byteCount >= 20 ? byteCount : nil
  }

  private static func claimedByteCount(ofIPv6 bytes: Span<UInt8>) -> Int? {
    guard bytes.count >= 40, bytes[0] >> 4 == 6 else { return nil }
    // 0 is a jumbogram's, whose length is elsewhere.
    let payload = Int(bytes.word16(at: 4))
    return payload > 0 ? 40 + payload : nil
  }
}
