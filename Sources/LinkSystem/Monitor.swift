import CLinkShims
import Glibc

/// A value under a lock, and a way to wait for it to become something. For waits that may last: a `Lock` alone has no
/// condition.
@safe package final class Monitor<Value>: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var value: Value

  package init(_ value: consuming sending Value) {
    self.value = value
    // SAFETY: fresh allocations, initialised once, destroyed in deinit, when nobody can wait any more. The attributes
    // are a live local.
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    var attributes = pthread_condattr_t()
    _ = unsafe pthread_condattr_init(&attributes)
    _ = unsafe pthread_condattr_setclock(&attributes, CLOCK_MONOTONIC)
    _ = unsafe pthread_mutex_init(mutex, nil)
    _ = unsafe pthread_cond_init(condition, &attributes)
    _ = unsafe pthread_condattr_destroy(&attributes)
  }

  deinit {
    // SAFETY: as in init.
    _ = unsafe pthread_cond_destroy(condition)
    _ = unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  /// Reads or changes the value; whoever waits looks again.
  package func withLock<Result>(_ body: (inout Value) -> Result) -> Result {
    // SAFETY: the lock lives as long as self, and guards `value`.
    _ = unsafe pthread_mutex_lock(mutex)
    defer {
      // SAFETY: as above; this thread holds the lock.
      _ = unsafe pthread_cond_broadcast(condition)
      _ = unsafe pthread_mutex_unlock(mutex)
    }
    return body(&value)
  }

  /// Waits until `body` returns something, and returns that; nil at the deadline, in nanoseconds of
  /// `monotonicNanoseconds()`. No deadline: for ever.
  package func wait<Result>(deadline: UInt64? = nil, _ body: (inout Value) -> Result?) -> Result? {
    // SAFETY: as in withLock(); both waits give the lock up and come back with it.
    _ = unsafe pthread_mutex_lock(mutex)
    defer { _ = unsafe pthread_mutex_unlock(mutex) }
    while true {
      if let result = body(&value) { return result }
      guard let deadline else {
        // SAFETY: as above.
        _ = unsafe pthread_cond_wait(condition, mutex)
        continue
      }
      // SAFETY: as above; the time is a live local.
      var time = timespec(tv_sec: Int(deadline / 1_000_000_000), tv_nsec: Int(deadline % 1_000_000_000))
      if unsafe pthread_cond_timedwait(condition, mutex, &time) == ETIMEDOUT { return body(&value) }
    }
  }
}
