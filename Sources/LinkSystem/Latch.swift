/// A door that opens once; whoever waits goes through, then and later.
package final class Latch: Sendable {
  private let isOpen = Monitor(false)

  package init() {}

  package func open() { isOpen.withLock { $0 = true } }

  package func wait() { _ = isOpen.wait { $0 ? true : nil } }

  /// False if it was still shut at the deadline, in nanoseconds of `monotonicNanoseconds()`.
  package func wait(deadline: UInt64) -> Bool { isOpen.wait(deadline: deadline) { $0 ? true : nil } ?? false }
}
