package import LinkCore
import LinkSystem
import Synchronization

/// The same turns, driven from outside. See `DrivenLink`.
extension LinkRunner {
  /// As `DrivenLink.step`.
  package func step(_ link: some RunnableLink) -> LinkStep {
    precondition(drive == .caller, "step() of a link with a thread of its own: make it with drive = .caller")
    // Whoever is in a turn, this thread or another, there is nothing quick to do.
    guard turningThread.load(ordering: .relaxed) == 0 else { return slowStep(link) }
    // Inlined, as a closure would not be.
    @inline(__always) func turn(_ turns: inout sending Turns) -> sending (LinkStep?, (any LinkDispatcher)?) {
      turnAsBefore(&turns, link)
    }
    let (step, stale) = turnLock.withLockIfAvailable(turn) ?? (nil, nil)
    // As a rule there is nobody to let go, which costs a call where it is not looked at.
    switch consume stale {
    case nil: break
    case let dispatcher?: withExtendedLifetime(dispatcher) {}
    }
    switch step {
    case .closed?:
      finish(link)
      return .closed
    case nil: return slowStep(link)
    case let step?: return step
    }
  }

  /// A turn for the dispatcher of the one before, if nothing but turns has happened since; otherwise nil. Returns whom to
  /// let go under no lock, too: who is not attached any more.
  @inline(__always) private func turnAsBefore(
    _ turns: inout Turns, _ link: some RunnableLink
  ) -> (LinkStep?, stale: (any LinkDispatcher)?) {
    guard let dispatcher = turns.dispatcher.take() else { return (nil, nil) }
    let seen = turns.seen
    guard !turns.isArmed, isPhase(seen) else { return (nil, dispatcher) }
    let (step, isLast) = turnHoldingLock(link, dispatcher, seen: seen)
    // Moved out and in again, which costs no count of references; by a swap, since an assignment lets go what was there.
    var stale: (any LinkDispatcher)? = dispatcher
    if !isLast { swap(&turns.dispatcher, &stale) }
    return (step, stale)
  }

  @inline(never) private func slowStep(_ link: some RunnableLink) -> LinkStep {
    if isInTurn { return .idle }
    let (phase, seen) = state.withLock { ($0.phase, version.load(ordering: .relaxed)) }
    switch consume phase {
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
      var before: (any LinkDispatcher)?
      let turn = turnLock.withLockIfAvailable { turns in
        before = turns.dispatcher.take()
        disarm(&turns, link, nil)
        (turns.dispatcher, turns.seen) = (dispatcher, seen)
        let turn = turnAsBefore(&turns, link)
        // The phase has changed since the look above. Its ring was just taken, and another thread may sleep for it.
        if turn.0 == nil { ringBell() }
        return turn
      }
      let (step, stale) = turn ?? (nil, nil)
      withExtendedLifetime(before) {}
      withExtendedLifetime(stale) {}
      // While another thread is in a turn there is nothing to do for this one.
      guard let step else { return .idle }
      if step == .closed { finish(link) }
      return step
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
