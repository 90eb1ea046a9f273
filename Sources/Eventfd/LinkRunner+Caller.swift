package import LinkCore
import LinkSystem
import Synchronization

/// The same turns, driven from outside. See `DrivenLink`.
extension LinkRunner {
  /// As `DrivenLink.step`.
  package func step(_ link: some RunnableLink) -> LinkStep {
    precondition(drive == .caller, "step() of a link with a thread of its own: make it with drive = .caller")
    // Another thread is in a turn, or this call comes from inside one.
    guard turnLock.withLockIfAvailable({ _ in }) != nil else { return .idle }
    let (phase, seen) = state.withLock { ($0.phase, version.load(ordering: .relaxed)) }
    switch phase {
    case .idle: return .notAttached
    case .closed: return .closed
    case .closing:
      finish(link)
      return .closed
    case .attached(let dispatcher):
      waitEnded(link, nil, seen: seen)
      switch turn(link, dispatcher, seen: seen) {
      case .delivered: return .delivered
      case .starved: return .starved
      case .idle, nil: return .idle
      case .ended(let reason):
        close(reason, link)
        finish(link)
        return .closed
      }
    }
  }

  /// As `DrivenLink.prepareToWait`.
  package func plan(_ link: some RunnableLink) -> LinkWaitPlan? {
    precondition(drive == .caller, "prepareToWait() of a link with a thread of its own: make it with drive = .caller")
    let seen = version.load(ordering: .acquiring)
    guard isAttached, case .wait(let entries, let nanoseconds) = prepareToWait(link, seen: seen) else { return nil }
    let used = entries.indices.filter { entries[$0].descriptor >= 0 }
    return LinkWaitPlan(
      entries: used.map { .init(descriptor: entries[$0].descriptor, events: entries[$0].events.rawValue) },
      timeout: nanoseconds.map { .nanoseconds(Int64(clamping: $0)) })
  }
}
