extension PacketBuffer {
  /// Grows the packet at its end by a part of another one's frame. Traps without the tailroom, or where there is no such
  /// part.
  package mutating func append(_ part: Range<Int>, of other: borrowing PacketBuffer) {
    precondition(part.lowerBound >= 0 && part.upperBound <= other.frameByteCount, "not a part of the frame")
    append(part.count) { bytes in
      // SAFETY: as many bytes as `part` has are there on both sides, checked above and by `append`. Two packets have two
      // chunks.
      unsafe bytes.withUnsafeMutableBytes { target in
        let source = unsafe UnsafeRawBufferPointer(rebasing: other.frameBytes[part])
        unsafe target.copyMemory(from: source)
      }
    }
  }

  /// Becomes another packet: its frame, behind this one's headroom, and its facts. Traps when the chunk is too small.
  package mutating func copy(_ other: borrowing PacketBuffer) {
    reset(headroom: headroom)
    append(0..<other.frameByteCount, of: other)
    markLinkHeader(other.linkHeaderLength)
    facts = other.facts
  }
}
