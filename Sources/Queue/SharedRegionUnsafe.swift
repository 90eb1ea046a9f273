package import LinkCore
public import Synchronization

/// A view of memory that another process maps too, and may change at any time. It does not own the mapping: whoever
/// makes one keeps the mapping alive.
///
/// Nothing here hands out a reference or a span into the region: numbers are read once into a register, bytes are copied.
@safe @usableFromInline package struct SharedRegion: WordMemory, @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline package let byteCount: Int

  /// `base` is aligned to 8, and `byteCount` bytes from it on stay mapped, readable and writable as long as copies of
  /// this value are used.
  @unsafe package init(base: UnsafeMutableRawPointer, byteCount: Int) {
    // SAFETY: the caller's promise.
    unsafe self.base = base
    self.byteCount = byteCount
  }

  // MARK: Words

  @inlinable @inline(__always) func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    assert(offset >= 0 && offset <= byteCount - 8 && offset % 8 == 0)
    // SAFETY: within the region and aligned, which the pipes keep true of every offset they compute. An Atomic<UInt64>
    // is eight bytes without state of its own.
    return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  @inlinable @inline(__always) func halfWord(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    assert(offset >= 0 && offset <= byteCount - 4 && offset % 4 == 0)
    // SAFETY: as for `word`.
    return unsafe (base + offset).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  @inlinable @inline(__always) package func loadAcquiring(_ offset: Int) -> UInt64 {
    // SAFETY: see `word`.
    unsafe UInt64(littleEndian: word(offset).pointee.load(ordering: .acquiring))
  }
  @usableFromInline
  @inline(__always) package func storeReleasing(_ value: UInt64, _ offset: Int) {
    // SAFETY: see `word`.
    unsafe word(offset).pointee.store(value.littleEndian, ordering: .releasing)
  }
  @usableFromInline
  @inline(__always) package func store(_ value: UInt64, _ offset: Int) {
    // SAFETY: see `word`.
    unsafe word(offset).pointee.store(value.littleEndian, ordering: .relaxed)
  }

  // Relaxed atomics, so that a value that was checked cannot be fetched a second time behind the check.
  @inlinable @inline(__always) package func field32(_ offset: Int) -> UInt32 {
    // SAFETY: see `halfWord`.
    unsafe UInt32(littleEndian: halfWord(offset).pointee.load(ordering: .relaxed))
  }
  @usableFromInline
  @inline(__always) package func field64(_ offset: Int) -> UInt64 {
    UInt64(field32(offset)) | UInt64(field32(offset + 4)) << 32
  }
  @usableFromInline
  @inline(__always) package func setField32(_ value: UInt32, _ offset: Int) {
    assert(offset >= 0 && offset <= byteCount - 4)
    // SAFETY: within the region, as for `word`; raw stores need no alignment.
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt32.self)
  }
  @usableFromInline
  @inline(__always) package func setField64(_ value: UInt64, _ offset: Int) {
    assert(offset >= 0 && offset <= byteCount - 8)
    // SAFETY: as above.
    unsafe base.storeBytes(of: value.littleEndian, toByteOffset: offset, as: UInt64.self)
  }

  @inlinable @inline(__always) package func loadFlag(_ offset: Int) -> UInt32 { field32(offset) }
  @inlinable @inline(__always) package func storeFlag(_ value: UInt32, _ offset: Int) {
    // SAFETY: see `halfWord`.
    unsafe halfWord(offset).pointee.store(value.littleEndian, ordering: .relaxed)
  }
  @inlinable @inline(__always) package func fence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }

  // MARK: Hints

  @usableFromInline
  @inline(__always) package func prefetchForWriting(_ offset: Int, _ byteCount: Int) {
    // SAFETY: nothing is done with the addresses.
    unsafe prefetchBytes(base + offset, count: byteCount, forWriting: true)
  }

  /// Says that so many bytes at this offset will be read soon. Both may be anything.
  @inline(__always) func prefetchForReading(_ claimedOffset: UInt64, _ claimedByteCount: UInt32) {
    guard claimedOffset < UInt64(byteCount) else { return }
    let offset = Int(truncatingIfNeeded: claimedOffset)
    let count = min(Int(claimedByteCount), mostPrefetchedOfMany, byteCount &- offset)
    // SAFETY: as above.
    unsafe prefetchBytes(base + offset, count: count, forWriting: false)
  }

  // MARK: Bytes

  /// Whether `count` bytes at `offset` lie within the region. Both may be a peer's claims: no sum can overflow.
  @inline(__always) package func contains(_ offset: UInt64, _ count: UInt64) -> Bool {
    offset <= UInt64(byteCount) && count <= UInt64(byteCount) &- offset
  }

  /// Writes one byte. Traps outside.
  @inline(__always) package func setByte(_ value: UInt8, _ offset: Int) {
    precondition(contains(UInt64(bitPattern: Int64(offset)), 1))
    // SAFETY: checked above.
    unsafe base.storeBytes(of: value, toByteOffset: offset, as: UInt8.self)
  }

  /// Copies `count` bytes of a packet's frame, from `position` on, to `offset`. Traps outside either.
  @inline(__always)
  package func copyIn(_ packet: borrowing PacketBuffer, from position: Int, count: Int, to offset: Int) {
    precondition(contains(UInt64(bitPattern: Int64(offset)), UInt64(bitPattern: Int64(count))))
    // SAFETY: both ranges were checked; private chunks and shared memory never overlap.
    let frame = unsafe packet.frameBytes
    let room = frame.count
    precondition(position >= 0 && count <= room &- position)
    unsafe copyBytes(
      to: base + offset, from: frame.baseAddress.unsafelyUnwrapped + position, count: count,
      longCopy: longCopyIntoShared)
  }

  /// Copies `count` bytes at `offset` into a packet's frame, from `position` on. Traps outside either.
  @inline(__always)
  package func copyOut(_ offset: Int, count: Int, to packet: inout PacketBuffer, at position: Int) {
    precondition(contains(UInt64(bitPattern: Int64(offset)), UInt64(bitPattern: Int64(count))))
    // SAFETY: both ranges were checked; private chunks and shared memory never overlap. What the peer writes meanwhile
    // makes wrong bytes, nothing else.
    let frame = unsafe packet.mutableFrameBytes
    let room = frame.count
    precondition(position >= 0 && count <= room &- position)
    unsafe copyBytes(to: frame.baseAddress.unsafelyUnwrapped + position, from: base + offset, count: count)
  }
}
