// Numbers in network byte order.

extension Span<UInt8> {
  @inline(__always) func word16(at index: Int) -> UInt16 { UInt16(self[index]) << 8 | UInt16(self[index + 1]) }
  @inline(__always) func word32(at index: Int) -> UInt32 {
    UInt32(word16(at: index)) << 16 | UInt32(word16(at: index + 2))
  }
  /// Whether an IPv4 header is that of a fragment: more follow, or it is not the first.
  @inline(__always) func isFragment(ipv4At start: Int) -> Bool { word16(at: start + 6) & 0x3fff != 0 }
}

extension MutableSpan<UInt8> {
  @inline(__always) mutating func store(_ word: UInt16, at index: Int) {
    self[index] = UInt8(truncatingIfNeeded: word >> 8)
    self[index + 1] = UInt8(truncatingIfNeeded: word)
  }
  @inline(__always) mutating func store(_ word: UInt32, at index: Int) {
    store(UInt16(truncatingIfNeeded: word >> 16), at: index)
    store(UInt16(truncatingIfNeeded: word), at: index + 2)
  }
}
