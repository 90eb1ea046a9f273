import Glibc

/// A door that opens once; whoever waits goes through, then and later.
@safe package final class Latch: @unchecked Sendable {
  private let mutex = UnsafeMutablePointer<pthread_mutex_t>.allocate(capacity: 1)
  private let condition = UnsafeMutablePointer<pthread_cond_t>.allocate(capacity: 1)
  private var isOpen = false

  package init() {
    // SAFETY: fresh allocations, initialised once, destroyed in deinit, when nobody can wait any more.
    unsafe mutex.initialize(to: pthread_mutex_t())
    unsafe condition.initialize(to: pthread_cond_t())
    _ = unsafe pthread_mutex_init(mutex, nil)
    _ = unsafe pthread_cond_init(condition, nil)
  }

  deinit {
    // SAFETY: as in init.
    _ = unsafe pthread_cond_destroy(condition)
    _ = unsafe pthread_mutex_destroy(mutex)
    unsafe condition.deallocate()
    unsafe mutex.deallocate()
  }

  package func open() {
    // SAFETY: the lock lives as long as self, and guards `isOpen`.
    _ = unsafe pthread_mutex_lock(mutex)
    isOpen = true
    _ = unsafe pthread_cond_broadcast(condition)
    _ = unsafe pthread_mutex_unlock(mutex)
  }

  package func wait() {
    // SAFETY: as in open().
    _ = unsafe pthread_mutex_lock(mutex)
    while !isOpen { _ = unsafe pthread_cond_wait(condition, mutex) }
    _ = unsafe pthread_mutex_unlock(mutex)
  }
}
