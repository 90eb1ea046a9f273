import CLinkShims
import Glibc

/// A dedicated kernel thread. Links wait in system calls for as long as it takes, so their work has no place on
/// a cooperative pool.
package struct SystemThread: ~Copyable, @unchecked Sendable {
  private let handle: pthread_t

  private final class Body {
    let name: String
    let run: @Sendable () -> Void
    init(_ name: String, _ run: @escaping @Sendable () -> Void) {
      self.name = name
      self.run = run
    }
  }

  /// Starts a thread. `name` shows in `top -H` and debuggers, cut to the kernel's 15 bytes.
  package init(name: String, _ run: @escaping @Sendable () -> Void) throws(SystemError) {
    // SAFETY: the body is retained here and released by the thread, which alone gets the pointer; if no thread was
    // made, it is released below.
    let body = unsafe Unmanaged.passRetained(Body(name, run))
    var handle = pthread_t()
    let result = unsafe pthread_create(
      &handle, nil,
      { argument in
        let body = unsafe Unmanaged<Body>.fromOpaque(argument!).takeRetainedValue()
        _ = unsafe link_set_thread_name(String(decoding: body.name.utf8.prefix(15), as: UTF8.self))
        // Programs often block all signals everywhere but in one thread.
        link_guard_enter_thread()
        body.run()
        return nil
      }, body.toOpaque())
    if result != 0 {
      unsafe body.release()
      throw SystemError("pthread_create", result)
    }
    self.handle = handle
  }

  /// Waits for its end.
  package consuming func join() {
    let handle = handle
    discard self
    // Each handle is joined or detached exactly once: both paths consume the owner.
    _ = pthread_join(handle, nil)
  }

  // A thread that nobody joins gives its memory back by itself.
  deinit { _ = pthread_detach(handle) }
}

/// A number that tells the calling thread from every other one alive; never 0.
@inline(__always)
@usableFromInline package func currentThreadIdentity() -> UInt { UInt(pthread_self()) }
