package import LinkCore
import LinkSystem
import Synchronization

/// The same turns, driven from outside. See `DrivenLink`.
extension LinkRunner {
  /// As `DrivenLink.step`.
  package func step(_ link: some RunnableLink) -> LinkStep {
    precondition(drive == .caller, "step() of a link with a thread of its own: make it with drive = .caller")
    if isInTurn { return .idle }
    let (phase, seen) = state.withLock { ($0.phase, version.load(ordering: .relaxed)) }
    switch phase {
    case .idle: return .notAttached
    case .closed: return .closed
    case .closing:
      // Not while another thread is in a turn: that one finishes with its next step.
      guard turnLock.withLockIfAvailable({ _ in }) != nil else { return .idle }
      finish(link)
      return .closed
    case .attached(let dispatcher):
      // While another thread is in a turn there is nothing to do for this one.
      let turn: LinkTurn? =
        turnLock.withLockIfAvailable { turns -> LinkTurn? in
          disarm(&turns, link, nil)
          let turn = turnHoldingLock(link, dispatcher, seen: seen)
          // The phase has changed since the look above. Its ring was just taken, and another thread may sleep for it.
          if case nil = turn { ringBell() }
          return turn
        } ?? nil
      switch turn {
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
    if isInTurn { return nil }
    let seen = version.load(ordering: .acquiring)
    guard isAttached, case .wait(let entries, let nanoseconds) = prepareToWait(link, seen: seen) else { return nil }
    let used = entries.indices.filter { entries[$0].descriptor >= 0 }
    return LinkWaitPlan(
      entries: used.map { .init(descriptor: entries[$0].descriptor, events: entries[$0].events.rawValue) },
      timeout: nanoseconds.map { .nanoseconds(Int64(clamping: $0)) })
  }
}
