import LinkSystem

/// Nanoseconds of `monotonicNanoseconds()` after which a test gives up. Generous: a machine under load, a sanitizer.
package func deadline(after duration: Duration = .seconds(30)) -> UInt64 {
  monotonicNanoseconds() &+ UInt64(duration / .nanoseconds(1))
}

/// Waits for what announces itself by no event, such as a counter: looks every millisecond until the deadline.
package func eventually(deadline end: UInt64 = deadline(), _ condition: () throws -> Bool) throws -> Bool {
  let nothing = Monitor(())
  while monotonicNanoseconds() < end {
    if try condition() { return true }
    _ = nothing.wait(deadline: deadline(after: .milliseconds(1))) { _ -> Void? in nil }
  }
  return try condition()
}

/// Runs `body` on a thread of its own and waits for its end, at most until the deadline. Nil if it did not end by then:
/// the thread is left to itself.
package func inThread<Result: Sendable>(
  deadline end: UInt64 = deadline(), _ body: @escaping @Sendable () -> Result
) throws -> Result? {
  let outcome = Monitor(Result?.none)
  let thread = try SystemThread(name: "test") {
    let result = body()
    outcome.withLock { $0 = result }
  }
  guard let result = outcome.wait(deadline: end, { $0 }) else { return nil }
  thread.join()
  return result
}

/// Runs `body` on `count` threads at once, each with its number, and waits for all of them.
package func concurrently(_ count: Int, _ body: @escaping @Sendable (Int) -> Void) throws {
  let start = Latch()
  let ends = (0..<count).map { _ in Latch() }
  for (number, end) in ends.enumerated() {
    _ = try SystemThread(name: "test-\(number)") {
      start.wait()
      body(number)
      end.open()
    }
  }
  start.open()
  for end in ends { end.wait() }
}
