package import LinkCore
import LinkSystem
import Synchronization

/// The same turns, driven from outside. See `DrivenLink`.
extension LinkRunner {
  /// As `DrivenLink.step`.
  package func step(_ link: some RunnableLink) -> LinkStep {
    precondition(drive == .caller, "step() of a link with a thread of its own: make it with drive = .caller")
    if isInTurn { return .idle }
    guard let turn = quickTurn(link) else { return slowStep(link) }
    return conclude(turn, link)
  }

  /// What a turn came to for whoever steps, after it has ended the link if need be.
  @inline(__always) private func conclude(_ turn: LinkTurn, _ link: some RunnableLink) -> LinkStep {
    switch turn {
    case .delivered: return .delivered
    case .starved: return .starved
    case .idle: return .idle
    case .ended(let reason):
      close(reason, link)
      finish(link)
      return .closed
    }
  }

  /// A turn for the dispatcher of the step before, if nothing but turns has happened since.
  private func quickTurn(_ link: some RunnableLink) -> LinkTurn? {
    var stale: (any LinkDispatcher)?
    let turn: LinkTurn? =
      turnLock.withLockIfAvailable { turns -> LinkTurn? in
        guard !turns.isArmed, turns.seen == version.load(ordering: .acquiring), let dispatcher = turns.dispatcher.take()
        else { return nil }
        let turn = turnHoldingLock(link, dispatcher, seen: turns.seen)
        // Moved out and in again, which costs no count of references.
        if turns.seen == version.load(ordering: .acquiring) {
          turns.dispatcher = dispatcher
        } else {
          stale = dispatcher
        }
        return turn
      } ?? nil
    withExtendedLifetime(stale) {}
    return turn
  }

  @inline(never) private func slowStep(_ link: some RunnableLink) -> LinkStep {
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
      var stale: (any LinkDispatcher)?
      let turn: LinkTurn? =
        turnLock.withLockIfAvailable { turns -> LinkTurn? in
          stale = turns.dispatcher.take()
          disarm(&turns, link, nil)
          let turn = turnHoldingLock(link, dispatcher, seen: seen)
          if version.load(ordering: .acquiring) == seen { (turns.dispatcher, turns.seen) = (dispatcher, seen) }
          // The phase has changed since the look above. Its ring was just taken, and another thread may sleep for it.
          if case nil = turn { ringBell() }
          return turn
        } ?? nil
      withExtendedLifetime(stale) {}
      return turn.map { conclude($0, link) } ?? .idle
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
