/// The checksum of IP, TCP and UDP: the ones' complement of the ones' complement sum of 16-bit words. RFC 1071.
///
/// Parts are added one after another, as if they lay in a row; an odd number of bytes at the very end is filled up with a
/// zero.
package struct InternetChecksum: Sendable {
  // Of words as they lie in memory: the sum of swapped words is the swapped sum. Folded after each part.
  private var total: UInt64 = 0
  /// The next byte is the second of its word.
  private var isHalfway = false

  @inline(__always) package init() {}

  /// The sum, as a number. A row that ends with its right checksum has 0xffff.
  @inline(__always) package var sum: UInt16 {
    var sum = total
    sum = (sum & 0xffff_ffff) &+ (sum >> 32)
    sum = (sum & 0xffff) &+ (sum >> 16)
    sum = (sum & 0xffff) &+ (sum >> 16)
    sum = (sum & 0xffff) &+ (sum >> 16)
    return UInt16(bigEndian: UInt16(truncatingIfNeeded: sum))
  }

  /// What is stored in a header.
  @inline(__always) package var checksum: UInt16 { ~sum }

  // MARK: Parts

  /// Adds a number of 16 bits. Only after an even number of bytes.
  @inline(__always) package mutating func add(_ number: UInt16) { total &+= UInt64(number.bigEndian) }

  @inline(__always) package mutating func add(_ bytes: Span<UInt8>) {
    // SAFETY: the span lends these bytes for the call.
    let sum = unsafe bytes.withUnsafeBytes { unsafe Self.sum($0) }
    let folded = (sum & 0xffff_ffff) &+ (sum >> 32)
    // Second bytes become first ones.
    total &+= isHalfway ? folded << 8 : folded
    total = (total & 0xffff_ffff) &+ (total >> 32)
    if bytes.count & 1 != 0 { isHalfway.toggle() }
  }

  /// Adds the pseudo header of a transport over IPv4 or IPv6: both addresses as they lie in the IP header, the protocol,
  /// and the bytes of the transport header and its payload.
  package mutating func addPseudoHeader(addresses: Span<UInt8>, protocol: UInt8, byteCount: Int) {
    add(addresses)
    add(UInt16(`protocol`))
    add(UInt16(truncatingIfNeeded: byteCount >> 16))
    add(UInt16(truncatingIfNeeded: byteCount))
  }

  /// 64 bytes at a time, in lanes of 64 bits that cannot overflow.
  @unsafe private static func sum(_ bytes: UnsafeRawBufferPointer) -> UInt64 {
    guard let start = bytes.baseAddress else { return 0 }
    typealias Lanes = SIMD4<UInt64>
    let low = Lanes(repeating: 0xffff_ffff)
    var (a, b, c, d) = (Lanes.zero, Lanes.zero, Lanes.zero, Lanes.zero)
    var offset = 0
    while offset &+ 64 <= bytes.count {
      // SAFETY: 64 bytes from `offset` on are within `bytes`, as the condition says; so are 4, and 1, below.
      let first = unsafe start.loadUnaligned(fromByteOffset: offset, as: Lanes.self)
      let second = unsafe start.loadUnaligned(fromByteOffset: offset &+ 32, as: Lanes.self)
      a &+= first & low
      b &+= first &>> 32
      c &+= second & low
      d &+= second &>> 32
      offset &+= 64
    }
    let lanes = a &+ b &+ c &+ d
    var sum = lanes[0] &+ lanes[1] &+ lanes[2] &+ lanes[3]
    while offset &+ 4 <= bytes.count {
      // SAFETY: see above.
      sum &+= unsafe UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt32.self))
      offset &+= 4
    }
    if offset &+ 2 <= bytes.count {
      // SAFETY: see above.
      sum &+= unsafe UInt64(start.loadUnaligned(fromByteOffset: offset, as: UInt16.self))
      offset &+= 2
    }
    if offset < bytes.count {
      // SAFETY: see above. The byte is the first of its word.
      sum &+= unsafe UInt64(UInt16(start.load(fromByteOffset: offset, as: UInt8.self)).littleEndian)
    }
    return sum
  }
}
