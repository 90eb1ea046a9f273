package import LinkQueue

/// Zeroed memory of this process in the place of a shared file: both ends of a queue run over this one mapping, which is
/// all that the thread sanitizer can see through. A margin on either side shows writes that go astray.
@safe package final class PrivateRegion: @unchecked Sendable {
  private let base: UnsafeMutableRawPointer
  package let byteCount: Int
  private let margin: Int
  private static let marginByte: UInt8 = 0xa5

  /// `margin`: 0 where the address sanitizer watches the edges, which sees reads that go astray as well; else a multiple
  /// of 8.
  package init(byteCount: Int, margin: Int = 128) {
    self.byteCount = byteCount
    self.margin = margin
    // SAFETY: one allocation with a margin at both ends, written whole here and freed in deinit.
    unsafe base = .allocate(byteCount: byteCount + 2 * margin, alignment: 128)
    unsafe base.initializeMemory(as: UInt8.self, repeating: Self.marginByte, count: byteCount + 2 * margin)
    unsafe (base + margin).initializeMemory(as: UInt8.self, repeating: 0, count: byteCount)
  }

  deinit {
    // SAFETY: within the allocation.
    for index in 0..<margin {
      precondition(unsafe base.load(fromByteOffset: index, as: UInt8.self) == Self.marginByte, "write in front")
      let behind = margin + byteCount + index
      precondition(unsafe base.load(fromByteOffset: behind, as: UInt8.self) == Self.marginByte, "write behind")
    }
    // SAFETY: allocated in init; whoever uses a region keeps this object.
    unsafe base.deallocate()
  }

  /// All of it.
  package var region: SharedRegion { part(0, byteCount) }

  /// `count` bytes from `offset` on, a multiple of 8.
  package func part(_ offset: Int, _ count: Int) -> SharedRegion {
    precondition(offset >= 0 && offset % 8 == 0 && count >= 0 && count <= byteCount - offset)
    // SAFETY: within the allocation, checked above; its base is aligned to more than 8.
    return unsafe SharedRegion(base: base + margin + offset, byteCount: count)
  }
}
