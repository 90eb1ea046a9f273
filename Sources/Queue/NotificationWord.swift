/// The word by which the receiver of packets says whether it wants to be rung. It lies at the start of a queue's shared
/// data; the receiver writes it, the sender reads it.
package struct NotificationWord<Memory: WordMemory>: Sendable {
  private let memory: Memory

  // 0, which a fresh page has, is "enabled" too: nobody has said anything yet.
  private static var disabled: UInt32 { 1 }
  private static var enabled: UInt32 { 2 }

  package init(_ memory: Memory) {
    precondition(memory.byteCount >= 4)
    self.memory = memory
  }

  /// The receiver is about to sleep. It looks at the pipe once more after this, and only then waits.
  package func enable() {
    memory.storeFlag(Self.enabled, 0)
    // SYNC bell: store, fence, look at the pipe; the sender does publish, fence, look at the word (`isWanted`). With both
    // fences one of the two sees the other; with only acquire and release, both can miss, and the receiver sleeps on.
    memory.fence()
  }

  /// The receiver is awake.
  package func disable() { memory.storeFlag(Self.disabled, 0) }

  /// The sender has published something: whether to ring. Once per batch.
  @inline(__always) package func isWanted() -> Bool {
    // SYNC bell: see `enable`.
    memory.fence()
    return memory.loadFlag(0) != Self.disabled
  }
}
