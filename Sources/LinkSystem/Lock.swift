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

  @usableFromInline struct Words: ~Copyable {
    @usableFromInline let word = Atomic<UInt32>(Word.free)
    /// Threads that sleep for the lock, or are about to.
    @usableFromInline let sleepers = Atomic<UInt32>(0)
    #if DEBUG
      @usableFromInline let holder = Atomic<UInt>(0)
    #endif
    @inlinable init() {}
  }

  // In memory of their own, since the kernel is told the address of the word: first the words, then the value. Two
  // pointers, and no struct of both: to change a part of a struct is a change of all of it to the thread sanitizer.
  @usableFromInline let words: UnsafeMutablePointer<Words>
  @usableFromInline let value: UnsafeMutablePointer<Value>

  @inlinable package init(_ value: consuming sending Value) {
    let alignment = max(MemoryLayout<Value>.alignment, 16)
    // SAFETY: the words have 16 bytes at most, and the value is aligned behind them; initialised here, destroyed in
    // deinit. A value without bytes has a place, too, or it would be in somebody else's.
    let memory = UnsafeMutableRawPointer.allocate(
      byteCount: alignment + max(MemoryLayout<Value>.size, 1), alignment: alignment)
    unsafe words = memory.initializeMemory(as: Words.self, to: Words())
    unsafe self.value = (memory + alignment).initializeMemory(as: Value.self, to: value)
  }

  @inlinable deinit {
    // SAFETY: as in init. Whoever calls keeps the lock alive until the call returns, `handOver` included: nobody is
    // left who could hold, want or hand over.
    unsafe value.deinitialize(count: 1)
    unsafe words.deinitialize(count: 1)
    unsafe UnsafeMutableRawPointer(words).deallocate()
  }

  @inlinable @inline(__always)
  package borrowing func withLock<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result {
    if !take(Word.free) { takeSlowly() }
    defer { letGo() }
    // SAFETY: one thread at a time is between `take` and `letGo`.
    return unsafe try body(&value.pointee)
  }

  /// Nil, and `body` not called, while somebody holds the lock, or has it reserved.
  @inlinable @inline(__always)
  package borrowing func withLockIfAvailable<Result: ~Copyable, E>(
    _ body: (inout sending Value) throws(E) -> sending Result
  ) throws(E) -> sending Result? {
    guard take(Word.free) else { return nil }
    defer { letGo() }
    // SAFETY: as above.
    return unsafe try body(&value.pointee)
  }

  @inlinable @inline(__always) func take(_ word: UInt32) -> Bool {
    // SYNC lock: acquires what the last holder wrote, see `letGo`.
    // SAFETY: `words` lives as long as self, which whoever calls keeps alive.
    let isTaken = unsafe words.pointee.word.compareExchange(
      expected: word, desired: Word.held, successOrdering: .acquiring, failureOrdering: .relaxed
    ).exchanged
    #if DEBUG
      // SAFETY: as above.
      if isTaken { unsafe words.pointee.holder.store(currentThreadIdentity(), ordering: .relaxed) }
    #endif
    return isTaken
  }

  @inlinable @inline(__always) func letGo() {
    #if DEBUG
      // SAFETY: as above.
      unsafe words.pointee.holder.store(0, ordering: .relaxed)
    #endif
    // SYNC lock: releases what was written to whoever takes it.
    // SAFETY: as above.
    if unsafe words.pointee.sleepers.load(ordering: .relaxed) > 0 { return handOver() }
    unsafe words.pointee.word.store(Word.free, ordering: .releasing)
  }

  @usableFromInline @inline(never) func handOver() {
    // SAFETY: as above, though the next holder may have come and gone before the wake.
    unsafe words.pointee.word.store(Word.reserved, ordering: .releasing)
    unsafe withWordAddress { unsafe link_futex_wake($0, 1) }
  }

  /// Looks for a moment, since most are held for less than a sleep takes; then sleeps.
  @usableFromInline @inline(never) func takeSlowly() {
    #if DEBUG
      // SAFETY: as above.
      let holder = unsafe words.pointee.holder.load(ordering: .relaxed)
      precondition(holder != currentThreadIdentity(), "a thread waits for a lock that it holds itself")
    #endif
    var seen = Word.held
    for _ in 0..<100 {
      spinPause()
      // SAFETY: as above.
      seen = unsafe words.pointee.word.load(ordering: .relaxed)
      if seen == Word.free, take(Word.free) { return }
    }
    // SAFETY: as above.
    unsafe words.pointee.sleepers.wrappingAdd(1, ordering: .relaxed)
    // A holder that lets go from here on reserves the lock for this thread as well: it may come before the sleep.
    var isEntitled = seen == Word.held
    while !take(Word.free), !(isEntitled && take(Word.reserved)) {
      // SAFETY: as above.
      seen = unsafe words.pointee.word.load(ordering: .relaxed)
      if seen == Word.free { continue }
      // Whatever ends it: a wake, the time, a signal, or the word is another one already. Whom it is reserved for comes
      // soon.
      let patience = seen == Word.held ? 1_000_000 : 50_000
      unsafe withWordAddress { word in unsafe link_futex_wait(word, seen, patience) }
      isEntitled = true
    }
    // SAFETY: as above.
    unsafe words.pointee.sleepers.wrappingSubtract(1, ordering: .relaxed)
  }

  @unsafe private func withWordAddress(_ body: (UnsafeMutablePointer<UInt32>) -> Void) {
    // SAFETY: an `Atomic<UInt32>` is four bytes without state of its own, first among the words.
    unsafe body(UnsafeMutableRawPointer(words).assumingMemoryBound(to: UInt32.self))
  }
}
