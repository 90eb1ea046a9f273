import Foundation
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct ThreadTests {
  @Test func `a thread runs with its name and is joined`() throws {
    let facts = Monitor((name: "", identity: UInt(0)))
    let thread = try SystemThread(name: "a name that is too long") {
      let name = try? String(contentsOfFile: "/proc/thread-self/comm", encoding: .utf8)
      facts.withLock { $0 = (name ?? "", currentThreadIdentity()) }
    }
    thread.join()
    #expect(facts.withLock { $0.name } == "a name that is \n")
    #expect(facts.withLock { $0.identity } != currentThreadIdentity())
    #expect(currentThreadIdentity() == currentThreadIdentity())
  }

  @Test func `threads that end leave nothing, joined or not`() async {
    await #expect(processExitsWith: .success) {
      let before = try ResourceSnapshot.baseline()
      final class Token: Sendable {}
      weak var kept: Token?
      do {
        let token = Token()
        kept = token
        for round in 0..<100 {
          let end = Latch()
          let thread = try SystemThread(name: "short") {
            _ = token
            end.open()
          }
          if round % 2 == 0 { thread.join() } else { end.wait() }
        }
      }
      _ = try eventually { try kept == nil && ResourceSnapshot().excess(over: before) == [] }
      let after = try ResourceSnapshot()
      try #require(kept == nil)
      try #require(after.excess(over: before) == [], "\(after.excess(over: before))")
      // 100 stacks that stay would be 200 mappings; allocators and sanitizers keep some.
      let growth = after.mappingCount - before.mappingCount
      try #require(growth < 100, "\(growth) mappings more")
    }
  }

  @Test func `a latch lets everybody through once it is open`() throws {
    let latch = Latch()
    #expect(!latch.wait(deadline: 0))
    #expect(!latch.wait(deadline: deadline(after: .milliseconds(5))))
    let through = Monitor(0)
    try concurrently(5) { number in
      if number == 4 { return latch.open() }
      latch.wait()
      through.withLock { $0 += 1 }
    }
    #expect(through.withLock { $0 } == 4)
    latch.open()
    latch.wait()
    #expect(latch.wait(deadline: 0))
  }

  @Test func `a monitor loses no change`() throws {
    let monitor = Monitor(0)
    try concurrently(2) { side in
      for round in 0..<2000 {
        _ = monitor.wait { value -> Void? in
          guard value % 2 == side else { return nil }
          value += 1
          return ()
        }
        monitor.withLock { _ in }
        if round == 1999 { monitor.withLock { _ in } }
      }
    }
    #expect(monitor.withLock { $0 } == 4000)
  }

  @Test func `a lock keeps its value for one at a time`() throws {
    let lock = Lock(0)
    try concurrently(4) { _ in for _ in 0..<5000 { lock.withLock { $0 += 1 } } }
    #expect(lock.withLock { $0 } == 20000)
    let inner: Int?? = lock.withLock { _ in try? inThread { lock.withLockIfAvailable { $0 } } }
    #expect(inner == .some(nil))
    #expect(lock.withLockIfAvailable { $0 } == 20000)
  }

  @Test func `the clock never goes back`() {
    var last = monotonicNanoseconds()
    for _ in 0..<10000 {
      let now = monotonicNanoseconds()
      #expect(now >= last)
      last = now
    }
  }
}
