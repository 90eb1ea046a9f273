/// The word by which the receiver of packets says whether it wants to be rung. It lies at the start of a queue's shared
/// data; the receiver writes it, the sender reads it.
@usableFromInline package struct NotificationWord<Memory: WordMemory>: Sendable {
  @usableFromInline let memory: Memory

  // 0, which a fresh page has, is "enabled" too: nobody has said anything yet.
  @inlinable static var disabled: UInt32 { 1 }
  @inlinable static var enabled: UInt32 { 2 }

  package init(_ memory: Memory) {
    precondition(memory.byteCount >= 4)
    self.memory = memory
  }

  /// The receiver is about to sleep. It looks at the pipe once more after this, and only then waits.
  @inlinable package func enable() {
    memory.storeFlag(Self.enabled, 0)
    // SYNC bell: store, fence, look at the pipe; the sender does publish, fence, look at the word (`isWanted`). With both
    // fences one of the two sees the other; with only acquire and release, both can miss, and the receiver sleeps on.
    memory.fence()
  }

  /// The receiver is awake.
  @inlinable package func disable() { memory.storeFlag(Self.disabled, 0) }

  /// The sender has published something: whether to ring. Once per batch.
  @inlinable @inline(__always) package func isWanted() -> Bool {
    // SYNC bell: see `enable`.
    memory.fence()
    return memory.loadFlag(0) != Self.disabled
  }
}
