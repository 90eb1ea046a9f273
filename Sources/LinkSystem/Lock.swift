import CLinkShims
public import Synchronization

/// A value that one thread at a time reaches. As `Mutex`, but letting go is a plain store.
///
/// With a locked instruction in each release, half of a sender's time at one packet a write went into waiting until the
/// peer's core had given up the cache lines of the batch. The price: a holder that lets go at the very moment in which
/// somebody goes to sleep for the lock does not see that, so whoever sleeps looks again after a millisecond. Threads
/// that wait lend the holder no priority. Only debug builds trap where a thread waits for itself.
///
/// It is inlined where it is used, and its closures with it: called as a generic function, a lock and its release cost
/// some 100 ns more. For that the type has to be usable from inline too.
@safe @usableFromInline package struct Lock<Value: ~Copyable>: ~Copyable, @unchecked Sendable {
  @usableFromInline enum Word {
    @inlinable static var free: UInt32 { 0 }
    @inlinable static var held: UInt32 { 1 }
    /// Free, for somebody who has slept for it: a thread that takes the lock again and again would be first every time.
    @inlinable static var reserved: UInt32 { 2 }
  }

  /// In memory of its own, since the kernel is told the address of the word.
  @usableFromInline struct Storage: ~Copyable {
    @usableFromInline let word = Atomic<UInt32>(Word.free)
    /// Threads that sleep for the lock, or are about to.
    @usableFromInline let sleepers = Atomic<UInt32>(0)
    #if DEBUG
      @usableFromInline let holder = Atomic<UInt>(0)
    #endif
    @usableFromInline var value: Value
    @inlinable init(_ value: consuming Value) { self.value = value }
  }

  @usableFromInline let storage: UnsafeMutablePointer<Storage>

  @inlinable package init(_ value: consuming sending Value) {
    // SAFETY: initialised here, destroyed in deinit.
    unsafe storage = .allocate(capacity: 1)
    unsafe storage.initialize(to: Storage(value))
  }

  @inlinable deinit {
    // SAFETY: as in init. Whoever calls keeps the lock alive until the call returns, `handOver` included: nobody is
    // left who could hold, want or hand over.
    unsafe storage.deinitialize(count: 1)
    unsafe storage.deallocate()
  }

  @inlinable @inline(__always)
  package borrowing func withLock<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    if !take(Word.free) { takeSlowly() }
    defer { letGo() }
    // SAFETY: one thread at a time is between `take` and `letGo`.
    return unsafe try body(&storage.pointee.value)
  }

  /// Nil, and `body` not called, while somebody holds the lock, or has it reserved.
  @inlinable @inline(__always)
  package borrowing func withLockIfAvailable<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result? {
    guard take(Word.free) else { return nil }
    defer { letGo() }
    // SAFETY: as above.
    return unsafe try body(&storage.pointee.value)
  }

  @inlinable @inline(__always) func take(_ word: UInt32) -> Bool {
    // SYNC lock: acquires what the last holder wrote, see `letGo`.
    // SAFETY: `storage` lives as long as self, which whoever calls keeps alive.
    let isTaken = unsafe storage.pointee.word.compareExchange(
      expected: word, desired: Word.held, successOrdering: .acquiring, failureOrdering: .relaxed
    ).exchanged
    #if DEBUG
      // SAFETY: as above.
      if isTaken { unsafe storage.pointee.holder.store(currentThreadIdentity(), ordering: .relaxed) }
    #endif
    return isTaken
  }

  @inlinable @inline(__always) func letGo() {
    #if DEBUG
      // SAFETY: as above.
      unsafe storage.pointee.holder.store(0, ordering: .relaxed)
    #endif
    // SYNC lock: releases what was written to whoever takes it.
    // SAFETY: as above.
    if unsafe storage.pointee.sleepers.load(ordering: .relaxed) > 0 { return handOver() }
    unsafe storage.pointee.word.store(Word.free, ordering: .releasing)
  }

  @usableFromInline @inline(never) func handOver() {
    // SAFETY: as above, though the next holder may have come and gone before the wake.
    unsafe storage.pointee.word.store(Word.reserved, ordering: .releasing)
    unsafe withWordAddress { unsafe link_futex_wake($0, 1) }
  }

  /// Looks for a moment, since most are held for less than a sleep takes; then sleeps.
  @usableFromInline @inline(never) func takeSlowly() {
    #if DEBUG
      // SAFETY: as above.
      let holder = unsafe storage.pointee.holder.load(ordering: .relaxed)
      precondition(holder != currentThreadIdentity(), "a thread waits for a lock that it holds itself")
    #endif
    var seen = Word.held
    for _ in 0..<100 {
      spinPause()
      // SAFETY: as above.
      seen = unsafe storage.pointee.word.load(ordering: .relaxed)
      if seen == Word.free, take(Word.free) { return }
    }
    // SAFETY: as above.
    unsafe storage.pointee.sleepers.wrappingAdd(1, ordering: .relaxed)
    // A holder that lets go from here on reserves the lock for this thread as well: it may come before the sleep.
    var isEntitled = seen == Word.held
    while !take(Word.free), !(isEntitled && take(Word.reserved)) {
      // SAFETY: as above.
      seen = unsafe storage.pointee.word.load(ordering: .relaxed)
      if seen == Word.free { continue }
      // Whatever ends it: a wake, the time, a signal, or the word is another one already. Whom it is reserved for comes
      // soon.
      let patience = seen == Word.held ? 1_000_000 : 50_000
      unsafe withWordAddress { word in unsafe link_futex_wait(word, seen, patience) }
      isEntitled = true
    }
    // SAFETY: as above.
    unsafe storage.pointee.sleepers.wrappingSubtract(1, ordering: .relaxed)
  }

  @unsafe private func withWordAddress(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
    // SAFETY: an `Atomic<UInt32>` is four bytes without state of its own, first in the storage.
    unsafe body(UnsafeMutableRawPointer(storage).assumingMemoryBound(to: UInt32.self))
  }
}
