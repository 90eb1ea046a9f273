import LinkSystem
import LinkTestSupport
import Synchronization
import Testing

@Suite struct LockTests {
  @Test func `what threads add under a lock is all there`() throws {
    let sum = Lock(0)
    try concurrently(4) { _ in
      for _ in 0..<50_000 { sum.withLock { $0 += 1 } }
    }
    #expect(sum.withLock { $0 } == 200_000)
  }

  @Test func `a held lock is not available`() throws {
    let lock = Lock(1)
    let inside = lock.withLock { value in
      value = 2
      return lock.withLockIfAvailable { $0 }
    }
    #expect(inside == nil)
    #expect(lock.withLockIfAvailable { $0 } == 2)
  }

  @Test func `whoever sleeps for a lock gets it when it is let go`() throws {
    let lock = Lock(0)
    let isHeld = Latch()
    let mayLetGo = Latch()
    try concurrently(4) { number in
      if number == 0 {
        lock.withLock { _ in
          isHeld.open()
          mayLetGo.wait()
        }
      } else if number == 1 {
        isHeld.wait()
        // Longer than anybody looks without sleeping: they sleep, most likely, and pass in any case.
        for _ in 0..<100_000 { spinPause() }
        mayLetGo.open()
      } else {
        isHeld.wait()
        lock.withLock { $0 += 1 }
      }
    }
    #expect(lock.withLock { $0 } == 2)
  }

  @Test func `a thread that takes a lock again and again keeps nobody from it`() throws {
    let lock = Lock(0)
    let isOver = Atomic(false)
    try concurrently(2) { number in
      if number == 0 {
        while !isOver.load(ordering: .relaxed) {
          // Held nearly all the time.
          lock.withLock { _ in for _ in 0..<1000 { spinPause() } }
        }
      } else {
        for _ in 0..<200 { lock.withLock { $0 += 1 } }
        isOver.store(true, ordering: .relaxed)
      }
    }
    #expect(lock.withLock { $0 } == 200)
  }

  @Test func `more threads than processors all get their turns`() throws {
    let lock = Lock(0)
    try concurrently(8) { _ in
      for _ in 0..<2000 {
        // As long as a batch takes: some are preempted inside, and others sleep.
        lock.withLock { value in
          for _ in 0..<100 { spinPause() }
          value += 1
        }
      }
    }
    #expect(lock.withLock { $0 } == 16_000)
  }

  @Test func `a lock is let go when its body throws`() {
    let lock = Lock(0)
    #expect(throws: CancellationError.self) { try lock.withLock { _ in throw CancellationError() } }
    #expect(lock.withLockIfAvailable { $0 } == 0)
  }

  #if DEBUG
    @Test func `a thread that waits for itself traps`() async {
      await #expect(processExitsWith: .failure) {
        let lock = Lock(0)
        lock.withLock { _ in lock.withLock { _ in } }
      }
    }
  #endif

  @Test func `what a lock guards goes with it`() {
    final class Token: Sendable {}
    weak var kept: Token?
    do {
      let token = Token()
      kept = token
      let lock = Lock(token)
      #expect(lock.withLock { $0 === token })
    }
    #expect(kept == nil)
  }
}
