import LinkCore
import LinkSystem
import Synchronization

/// The worker loop, the one of both links: take a turn; when there is nothing to do spin for a while, then sleep. The
/// bell, and every change of phase, ends a sleep.
extension LinkRunner {
  /// The life of a worker thread: one round per attachment.
  func run(_ link: some RunnableLink) {
    var spin = AdaptiveSpin(nanoseconds: spinNanoseconds)
    while let (dispatcher, seen) = nextAttachment(link) {
      while let step = turn(link, dispatcher, seen: seen) {
        switch step {
        case .delivered: spin.succeeded()
        case .idle: if spin.shouldSpin() { spin.looked(spinForPackets(link)) } else { sleep(link, seen, &spin) }
        case .starved: sleep(link, seen, &spin)
        case .closed, .notAttached: break
        }
      }
    }
  }

  /// Between two turns, which see to everything else: what comes in here is found sooner than by a turn. Returns the number
  /// of looks.
  private func spinForPackets(_ link: some RunnableLink) -> Int {
    for look in 1...Self.looksBetweenTurns {
      spinPause()
      if link.mayHavePackets { return look }
    }
    return Self.looksBetweenTurns
  }

  private static var looksBetweenTurns: Int { 16 }

  /// The attachment that is. Nil when the thread's time is over: nobody is attached, or the link is closed, which this
  /// thread has seen to.
  private func nextAttachment(_ link: some RunnableLink) -> (any LinkDispatcher, UInt64)? {
    let (attachment, isClosing): ((any LinkDispatcher, UInt64)?, Bool) = state.withLock { state in
      switch state.phase {
      case .attached(let dispatcher): return ((dispatcher, version.load(ordering: .relaxed)), false)
      case .closing: return (nil, true)
      case .idle, .closed:
        state.isThreadLive = false
        return (nil, false)
      }
    }
    if isClosing { finish(link) }
    return attachment
  }

  private func sleep(_ link: some RunnableLink, _ seen: UInt64, _ spin: inout AdaptiveSpin) {
    let decision = prepareToWait(link, seen: seen)
    guard case .wait(var entries, let nanoseconds) = decision else { return }
    let began = monotonicNanoseconds()
    do { try poll(&entries, nanoseconds: nanoseconds) } catch {
      // Descriptors of ours that the kernel does not know, or no memory for three records.
      return close(.failed(LinkError(error)), link)
    }
    spin.slept(nanoseconds: monotonicNanoseconds() &- began)
    waitEnded(link, entries)
  }
}
