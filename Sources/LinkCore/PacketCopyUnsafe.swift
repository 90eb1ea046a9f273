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

  /// Becomes an Ethernet frame that lies elsewhere: as `prepareFrame`, a copy, and `LinkFraming.parseHeader`, but in one go,
  /// which takes half as long. False, and nothing changed, if the chunk is too small or the frame shorter than its header.
  @unsafe @inlinable @inline(__always)
  package mutating func becomeEthernetFrame(_ source: UnsafeRawPointer, byteCount: Int) -> Bool {
    let headroom = PacketBuffer.defaultHeadroom
    guard byteCount >= EthernetHeader.byteCount, headroom &+ byteCount <= Int(capacity) else { return false }
    // SAFETY: so many bytes are at `source`, as the caller says, and in the chunk, checked above.
    guard
      let header = unsafe EthernetHeader(
        Span(_unsafeStart: source.assumingMemoryBound(to: UInt8.self), count: byteCount))
    else { return false }
    unsafe moveBytes(to: base + headroom, from: source, count: byteCount)
    start = UInt32(truncatingIfNeeded: headroom)
    end = UInt32(truncatingIfNeeded: headroom &+ byteCount)
    self.header = UInt32(truncatingIfNeeded: EthernetHeader.byteCount)
    var facts = PacketFacts()
    facts.networkProtocol = header.type
    facts.localAddress = header.destination
    facts.remoteAddress = header.source
    self.facts = facts
    return true
  }
}

/// Copies bytes: few of them by inline vector moves, which takes half as long as a call of memcpy.
@unsafe @inlinable @inline(__always)
package func moveBytes(to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, count: Int) {
  // SAFETY: the caller checked both ranges. Every move lies within `count` bytes: where the size is no multiple of 16, the
  // last ones overlap those before them.
  if count > 128 || count < 16 { return unsafe destination.copyMemory(from: source, byteCount: count) }
  unsafe move16(destination, source, 0)
  if count > 32 {
    unsafe move16(destination, source, 16)
    if count > 64 {
      unsafe move16(destination, source, 32)
      unsafe move16(destination, source, 48)
      unsafe move16(destination, source, count &- 64)
      unsafe move16(destination, source, count &- 48)
    }
    unsafe move16(destination, source, count &- 32)
  }
  unsafe move16(destination, source, count &- 16)
}

/// Moves 16 bytes at `offset`.
@unsafe @inlinable @inline(__always)
func move16(_ destination: UnsafeMutableRawPointer, _ source: UnsafeRawPointer, _ offset: Int) {
  // SAFETY: see `moveBytes`.
  let bytes = unsafe source.loadUnaligned(fromByteOffset: offset, as: SIMD16<UInt8>.self)
  unsafe destination.storeBytes(of: bytes, toByteOffset: offset, as: SIMD16<UInt8>.self)
}
