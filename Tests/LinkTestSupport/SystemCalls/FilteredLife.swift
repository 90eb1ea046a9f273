package import LinkSystem

/// The life of links on threads that may make only the system calls of the published list.
package enum FilteredLife {
  /// Runs `open` on a thread that may make the calls of `setup`, then `run` on one that may make those of `life`. What `run`
  /// does through `Outside` is done without a filter. Throws if anything else was called.
  package static func run<Link: Sendable>(
    setup: [SystemCallFilter.Rule], life: [SystemCallFilter.Rule],
    open: @escaping @Sendable () throws -> Link, run: @escaping @Sendable (Link, Outside) throws -> Void
  ) throws {
    ForbiddenCalls.watch()
    let link = Lock<Link?>(nil)
    try Outside.serve(setup) { _ in
      let opened = try open()
      link.withLock { $0 = opened }
    }
    try noneForbidden("setup")
    // Let go on the other thread.
    try Outside.serve(life) { outside in
      guard let link = link.withLock({ $0.take() }) else { return }
      do { try run(link, outside) } catch {
        try noneForbidden("life, which ended with \(error)")
        throw error
      }
    }
    try noneForbidden("life")
  }

  private static func noneForbidden(_ time: String) throws {
    let calls = ForbiddenCalls.noted
    if !calls.isEmpty { throw ForbiddenCall(description: "\(time): \(calls.joined(separator: "; "))") }
  }

  private struct ForbiddenCall: Error, CustomStringConvertible { let description: String }
}

/// A thread without a filter that does what one with a filter asks for.
package final class Outside: Sendable {
  private enum Exchange {
    case nothing
    case asked(@Sendable () -> Void)
    case done, over
  }

  private let exchange = Monitor(Exchange.nothing)

  /// Does it there, and waits for it.
  package func callAsFunction<R: Sendable>(_ body: @escaping @Sendable () throws -> R) throws -> R {
    let outcome = Lock<Result<R, any Error>?>(nil)
    exchange.withLock {
      $0 = .asked {
        let result = Result { try body() }
        outcome.withLock { $0 = result }
      }
    }
    let isDone: Void? = exchange.wait(deadline: deadline()) { state in
      guard case .done = state else { return nil }
      state = .nothing
      return ()
    }
    guard isDone != nil, let result = outcome.withLock({ $0.take() }) else {
      throw SystemError("what is done without a filter", SystemError.timedOut)
    }
    return try result.get()
  }

  /// Runs `body` on a thread under a filter, and does what it asks for on this one.
  fileprivate static func serve(
    _ rules: [SystemCallFilter.Rule], _ body: @escaping @Sendable (Outside) throws -> Void
  ) throws {
    let outside = Outside()
    let outcome = Lock<Result<Void, any Error>>(.success(()))
    let thread = try SystemThread(name: "filtered") {
      let result = Result {
        // The sanitizer makes calls of its own.
        if !isThreadSanitized { try SystemCallFilter.allow(only: rules) }
        try body(outside)
      }
      outcome.withLock { $0 = result }
      outside.exchange.withLock { $0 = .over }
    }
    while let work = outside.next() {
      work()
      outside.exchange.withLock { $0 = .done }
    }
    thread.join()
    try outcome.withLock { $0 }.get()
  }

  /// Nil: there is no more.
  private func next() -> (@Sendable () -> Void)? {
    let next: (@Sendable () -> Void)?? = exchange.wait { state in
      switch state {
      case .asked(let work): return .some(work)
      case .over: return .some(nil)
      case .nothing, .done: return nil
      }
    }
    return next ?? nil
  }
}
