import LinkSystem
import Synchronization

/// A shared file, mapped and laid bare: what a peer that does as it likes has in its hands. Every access is one relaxed
/// or ordered atomic, as those of an honest peer are, so that no sanitizer takes the attacker for the culprit.
///
/// Offsets are the attacker's own: they are cut to the file, whatever nonsense they were computed from.
package final class RawMemory: Sendable {
  private let mapping: Mapping
  /// In bytes, a multiple of 8.
  package let byteCount: Int

  /// The descriptor stays the caller's. `isGuarded`: the attacker may cut the file, and would not survive it otherwise.
  package init(_ descriptor: CInt, isGuarded: Bool = false) throws {
    let file = try OwnedDescriptor.duplicating(descriptor)
    mapping = try Mapping(file, byteCount: try file.status().byteCount, isGuarded: isGuarded)
    byteCount = mapping.byteCount & ~7
  }

  private func place(_ offset: Int, _ size: Int) -> Int {
    let last = byteCount - size
    return min(max(offset, 0), last) & ~(size - 1)
  }

  private func word(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt64>> {
    // SAFETY: within the mapping, which this object owns, and aligned: see `place`.
    unsafe (mapping.base + place(offset, 8)).assumingMemoryBound(to: Atomic<UInt64>.self)
  }

  private func halfWord(_ offset: Int) -> UnsafeMutablePointer<Atomic<UInt32>> {
    // SAFETY: as above.
    unsafe (mapping.base + place(offset, 4)).assumingMemoryBound(to: Atomic<UInt32>.self)
  }

  package func load(_ offset: Int) -> UInt64 {
    // SAFETY: see `word`.
    unsafe UInt64(littleEndian: word(offset).pointee.load(ordering: .acquiring))
  }

  package func store(_ value: UInt64, _ offset: Int) {
    // SAFETY: see `word`.
    unsafe word(offset).pointee.store(value.littleEndian, ordering: .releasing)
  }

  package func load32(_ offset: Int) -> UInt32 {
    // SAFETY: see `halfWord`.
    unsafe UInt32(littleEndian: halfWord(offset).pointee.load(ordering: .relaxed))
  }

  package func store32(_ value: UInt32, _ offset: Int) {
    // SAFETY: see `halfWord`.
    unsafe halfWord(offset).pointee.store(value.littleEndian, ordering: .relaxed)
  }

  /// Four bytes at a time, from a multiple of 4 on; a rest is filled with zeros.
  package func write(_ bytes: [UInt8], at offset: Int) {
    for start in stride(from: 0, to: bytes.count, by: 4) {
      store32(UInt32(littleEndian: bytes[start..<min(start + 4, bytes.count)]), offset &+ start)
    }
  }

  package func read(_ count: Int, at offset: Int) -> [UInt8] {
    let words = (0..<(count + 3) / 4).map { load32(offset &+ 4 * $0) }
    return Array(words.flatMap(\.littleEndianBytes).prefix(count))
  }

  /// Look for what a peer has written only behind this, and it for what was written before.
  package static func fence() { atomicMemoryFence(ordering: .sequentiallyConsistent) }
}

/// Numbers as the wire has them.
extension FixedWidthInteger where Self: UnsignedInteger {
  package var littleEndianBytes: [UInt8] { (0..<bitWidth / 8).map { UInt8(truncatingIfNeeded: self >> (8 * $0)) } }

  package init(littleEndian bytes: some Collection<UInt8>) {
    self = bytes.reversed().reduce(0) { $0 << 8 | Self($1) }
  }
}
