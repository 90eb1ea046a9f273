/// A pipe is a ring of slots of varying size in shared memory, with one writer and one reader; messages become visible
/// a batch at a time. The layout, with every constant, is the wire format's: see Documentation/WireFormat.md.
///
/// An index counts for ever: its high 32 bits are the revolution, its low 32 bits the offset in the ring.
@usableFromInline package enum Pipe {
  /// Header bit of a slot that the writer may use.
  @inlinable static var free: UInt64 { 1 << 63 }
  @inlinable static var revolution: UInt64 { 1 << 32 }
  @inlinable static var offsetMask: UInt64 { 0xffff_ffff }
  /// Header bits that nobody sets.
  static let unused: UInt64 = ~(free | offsetMask)
  static let headerByteCount = 8
  /// Where both sides begin: two revolutions before the counter wraps, so that the wrap is nothing special.
  static let start: UInt64 = 0xffff_fffe << 32

  /// A slot's whole size for a payload of `byteCount`: header and payload, padded to a multiple of 8.
  @inline(__always) static func slotSize(_ byteCount: UInt64) -> UInt64 { (byteCount &+ 15) & ~7 }

  @inlinable @inline(__always) static func offset(_ index: UInt64) -> Int {
    Int(truncatingIfNeeded: index & offsetMask)
  }

  /// Whether index `a` lies behind index `b`, on a counter that wraps.
  @inline(__always) static func isPast(_ a: UInt64, _ b: UInt64) -> Bool { Int64(bitPattern: a &- b) > 0 }

  /// The usable length of a file: rounded down to a multiple of 8.
  package static func length(_ byteCount: Int) -> Int { byteCount & ~7 }

  /// See `PipeWriter.maxFittingByteCount`.
  static func maxFittingByteCount(_ length: Int) -> Int { length / 16 * 8 - 8 }

  /// The smallest file that can be a pipe: two slots of one word, and one to keep.
  package static let minByteCount = 32
  /// Offsets have 32 bits.
  package static let maxByteCount = 1 << 31

  /// How many messages of one size a pipe holds that never sees another size, wherever in the ring the first of them
  /// lies. Behind other sizes it can be one less.
  package static func capacity(pipeByteCount: Int, messageByteCount: Int) -> Int {
    let slot = Int(slotSize(UInt64(messageByteCount)))
    // The last slot ends before the end of the ring; what is left there is a wrap slot.
    return max(0, (length(pipeByteCount) - 8) / slot)
  }

  /// Makes a fresh pipe of a zeroed file: one free slot at offset 0. The creator of the file does this, once.
  package static func initialize(_ memory: some WordMemory) { memory.storeReleasing(free, 0) }
}

/// The payload of a slot that was pushed or pulled.
package struct PipeSlot: Equatable, Sendable {
  /// Of its first byte, in the pipe. A multiple of 8.
  package let offset: Int
  package let byteCount: Int
}
