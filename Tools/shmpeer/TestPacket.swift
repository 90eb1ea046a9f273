/// The packet that any peer can check: an IPv4 header, a sequence number, a checksum, a body that follows from the
/// number. All functions work on the network layer, without a link header.
package enum TestPacket {
  /// From the fields alone to the largest IPv4 packet, in bytes.
  package static let sizes = 32...65535

  /// What a received packet is.
  package enum Verdict: Equatable {
    /// Not verified: it has a body, and no sum over it.
    case valid(sequence: UInt64, byteCount: Int, isVerified: Bool = true)
    /// A test packet that was changed on its way.
    case corrupt
    /// Something else: other traffic, or too short to tell.
    case foreign
  }

  /// Writes the header into a zeroed packet of at least 32 bytes: everything that packets of one size share.
  package static func writeHeader(_ bytes: inout MutableSpan<UInt8>) {
    bytes[0] = 0x45
    bytes[2] = UInt8(truncatingIfNeeded: bytes.count >> 8)
    bytes[3] = UInt8(truncatingIfNeeded: bytes.count)
    bytes[8] = 64
    bytes[9] = 253
    for (offset, byte) in [(12, 10), (15, 1), (16, 10), (19, 2)] { bytes[offset] = UInt8(byte) }
  }

  /// Makes it the packet of this number; with `crc` the body is filled and summed.
  @inline(__always)
  package static func stamp(_ bytes: inout MutableSpan<UInt8>, sequence: UInt64, check: Check) {
    for index in 0..<8 { bytes[20 &+ index] = UInt8(truncatingIfNeeded: sequence >> UInt64(8 &* index)) }
    if check == .crc { fill(&bytes, sequence) }
  }

  private static func fill(_ bytes: inout MutableSpan<UInt8>, _ sequence: UInt64) {
    for index in 32..<bytes.count { bytes[index] = UInt8(truncatingIfNeeded: sequence &+ UInt64(index)) }
    let sum = CRC32C.sum(bytes.span.extracting(32...))
    for index in 0..<4 { bytes[28 &+ index] = UInt8(truncatingIfNeeded: sum >> UInt32(8 &* index)) }
  }

  /// Checks a received packet. It may be longer than its own length says: some servers pad.
  @inline(__always)
  package static func check(_ bytes: Span<UInt8>) -> Verdict {
    guard bytes.count >= 32, bytes[0] == 0x45, bytes[9] == 253 else { return .foreign }
    guard word(bytes, 12) == 0x0100_000a, word(bytes, 16) == 0x0200_000a else { return .foreign }
    let byteCount = Int(bytes[2]) << 8 | Int(bytes[3])
    guard byteCount >= 32, byteCount <= bytes.count else { return .corrupt }
    let sequence = UInt64(word(bytes, 20)) | UInt64(word(bytes, 24)) << 32
    let claimed = word(bytes, 28)
    if claimed != 0 {
      // The sum covers the body; the body's first byte ties it to the number in front.
      let body = bytes.extracting(32..<byteCount)
      let first = UInt8(truncatingIfNeeded: sequence &+ 32)
      guard CRC32C.sum(body) == claimed, body.isEmpty || body[0] == first else { return .corrupt }
    }
    return .valid(sequence: sequence, byteCount: byteCount, isVerified: claimed != 0 || byteCount == 32)
  }

  /// Four bytes, little endian.
  @inline(__always)
  private static func word(_ bytes: Span<UInt8>, _ at: Int) -> UInt32 {
    UInt32(bytes[at]) | UInt32(bytes[at &+ 1]) << 8 | UInt32(bytes[at &+ 2]) << 16 | UInt32(bytes[at &+ 3]) << 24
  }
}
