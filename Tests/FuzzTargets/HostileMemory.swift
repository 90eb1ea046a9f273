import LinkQueue

/// Words that the other side may change between any two reads: a change that was ambushed happens right behind the next
/// read, so that a number which is read twice is another one the second time. It traps on stray accesses, and counts
/// all. Used by one thread.
final class HostileMemory: WordMemory, @unchecked Sendable {
  let byteCount: Int
  private var words: [UInt64]
  private var ambushes: [(offset: Int, value: UInt64)] = []
  private var accesses = 0

  init(byteCount: Int) {
    self.byteCount = byteCount
    words = Array(repeating: 0, count: byteCount / 8)
  }

  /// As the peer writes: not counted.
  func change(_ offset: Int, _ value: UInt64) { words[offset / 8] = value }
  /// The peer writes right after somebody's next read.
  func ambush(_ offset: Int, _ value: UInt64) { ambushes.append((offset, value)) }

  func takeAccesses() -> Int {
    defer { accesses = 0 }
    return accesses
  }

  private func index(_ offset: Int) -> Int {
    accesses += 1
    precondition(offset >= 0 && offset % 8 == 0 && offset / 8 < words.count, "access at \(offset) of \(byteCount)")
    return offset / 8
  }

  func loadAcquiring(_ offset: Int) -> UInt64 {
    defer { if let next = ambushes.popLast() { change(next.offset, next.value) } }
    return words[index(offset)]
  }
  func storeReleasing(_ value: UInt64, _ offset: Int) { words[index(offset)] = value }
  func store(_ value: UInt64, _ offset: Int) { words[index(offset)] = value }

  // The pipes themselves have no fields.
  func field32(_ offset: Int) -> UInt32 { preconditionFailure("a pipe read a field") }
  func field64(_ offset: Int) -> UInt64 { preconditionFailure("a pipe read a field") }
  func setField32(_ value: UInt32, _ offset: Int) { preconditionFailure("a pipe wrote a field") }
  func setField64(_ value: UInt64, _ offset: Int) { preconditionFailure("a pipe wrote a field") }
  func loadFlag(_ offset: Int) -> UInt32 { preconditionFailure("a pipe read a flag") }
  func storeFlag(_ value: UInt32, _ offset: Int) { preconditionFailure("a pipe wrote a flag") }
  func fence() {}
}
