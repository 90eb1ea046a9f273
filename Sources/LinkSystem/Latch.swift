/// A door that opens once; whoever waits goes through, then and later.
package final class Latch: Sendable {
  private let door = Monitor(false)

  package init() {}

  package var isOpen: Bool { door.withLock { $0 } }

  package func open() { door.withLock { $0 = true } }

  package func wait() { _ = door.wait { $0 ? true : nil } }

  /// False if it was still shut at the deadline, in nanoseconds of `monotonicNanoseconds()`.
  package func wait(deadline: UInt64) -> Bool { door.wait(deadline: deadline) { $0 ? true : nil } ?? false }
}
