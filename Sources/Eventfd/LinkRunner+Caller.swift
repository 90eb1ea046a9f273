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
    case .idle:
      turnLock.withLockIfAvailable { turns in
        // Others, who wait for turns, are woken by the same ring: it stays.
        if turns.awaitsAttachment { takeRing(&turns) }
      }
      return .notAttached
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
  package func plan(_ link: some RunnableLink, _ plan: inout LinkWaitPlan) -> Bool {
    precondition(drive == .caller, "prepareToWait() of a link with a thread of its own: make it with drive = .caller")
    if isInTurn { return false }
    let (phase, seen) = state.withLock { ($0.phase, version.load(ordering: .relaxed)) }
    let decision: WaitDecision
    switch phase {
    case .idle: decision = prepareToWaitForAttachment(seen: seen)
    case .attached: decision = prepareToWait(link, seen: seen)
    case .closing, .closed: return false
    }
    guard case .wait(let entries, let nanoseconds) = decision else { return false }
    for index in entries.indices where entries[index].descriptor >= 0 {
      plan.entries.append(.init(descriptor: entries[index].descriptor, events: entries[index].events.rawValue))
    }
    if let nanoseconds {
      let timeout = Duration.nanoseconds(Int64(clamping: nanoseconds))
      plan.timeout = min(plan.timeout ?? timeout, timeout)
    }
    return true
  }
}
