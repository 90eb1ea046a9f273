public import Synchronization

/// A `Mutex` that the thread sanitizer understands. A contended `Mutex` is handed over inside the kernel (`FUTEX_LOCK_PI`),
/// where no sanitizer sees that one holder comes after the other; a load and a store beside it, a plain move each on
/// x86, say so.
///
/// It is inlined where it is used, and its closures with it: called as a generic function, a lock and its release cost some
/// 100 ns more. For that the type has to be usable from inline too.
@usableFromInline package struct Lock<Value: ~Copyable>: ~Copyable {
  @usableFromInline let mutex: Mutex<Value>
  @usableFromInline let handover = Atomic<UInt8>(0)

  @inlinable package init(_ value: consuming sending Value) { mutex = Mutex(value) }

  @inlinable @inline(__always)
  package borrowing func withLock<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    try mutex.withLock { (value: inout sending Value) throws(E) -> sending Result in
      // SYNC lock-handover: acquires what the last holder wrote.
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(0, ordering: .releasing) }
      return try body(&value)
    }
  }

  /// Nil, and `body` not called, while somebody holds the lock.
  @inlinable @inline(__always)
  package borrowing func withLockIfAvailable<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result? {
    try mutex.withLockIfAvailable { (value: inout sending Value) throws(E) -> sending Result in
      // SYNC lock-handover: as above.
      _ = handover.load(ordering: .acquiring)
      defer { handover.store(0, ordering: .releasing) }
      return try body(&value)
    }
  }
}

extension Lock: Sendable where Value: ~Copyable {}
