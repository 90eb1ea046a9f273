extension Span<UInt8> {
  /// Eight bytes in network byte order, by one load: of smaller ones put together the compiler does not always make one.
  @inlinable @inline(__always) func word64(at index: Int) -> UInt64 {
    precondition(index >= 0 && index <= count &- 8)
    // SAFETY: eight bytes from `index` on are there, checked above.
    return unsafe UInt64(bigEndian: bytes.unsafeLoadUnaligned(fromByteOffset: index, as: UInt64.self))
  }
}
