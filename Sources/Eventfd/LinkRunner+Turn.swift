package import LinkCore
import LinkSystem
import Synchronization

/// Turns and waits: everything that happens under the turn lock, whoever drives.
extension LinkRunner {
  /// Whether this thread is inside a turn, and so inside a callback.
  package var isInTurn: Bool { turningThread.load(ordering: .relaxed) == currentThreadIdentity() }
  func enterTurn() { turningThread.store(currentThreadIdentity(), ordering: .relaxed) }
  func leaveTurn() { turningThread.store(0, ordering: .relaxed) }

  /// Whether the phase is still that of the version.
  @inline(__always) func isPhase(_ seen: UInt64) -> Bool { version.load(ordering: .acquiring) == seen }

  /// One turn for the dispatcher of phase `seen`; nil when the phase has changed since.
  func turn(_ link: some RunnableLink, _ dispatcher: any LinkDispatcher, seen: UInt64) -> LinkStep? {
    turnLock.withLock { _ in isPhase(seen) ? turnHoldingLock(link, dispatcher, seen: seen).step : nil }
  }

  /// The same for who has just seen that this is the phase, and holds the turn lock. `closed`: it has ended the link,
  /// which is to be finished when the lock is free. `isLast`: the phase has changed in there.
  @inline(__always)
  func turnHoldingLock(
    _ link: some RunnableLink, _ dispatcher: any LinkDispatcher, seen: UInt64
  ) -> (step: LinkStep?, isLast: Bool) {
    enterTurn()
    defer { leaveTurn() }
    link.announceRoom(dispatcher)
    // Who detached from inside did not wait for the end of this turn.
    guard isPhase(seen) else {
      link.attachmentEnded()
      return (nil, true)
    }
    let turn = link.turn(dispatcher)
    let isLast = !isPhase(seen)
    if isLast { link.attachmentEnded() }
    switch consume turn {
    case .delivered: return (.delivered, isLast)
    case .idle: return (.idle, isLast)
    case .starved: return (.starved, isLast)
    case .ended(let reason):
      // Under the lock, though it may take the 100 ms of `freeHeldUpThreads`: no other turn follows.
      close(reason, link)
      return (.closed, true)
    }
  }

  /// Runs `body` as a turn of the calling thread, which may deliver in there. Waits for the end of the turn under way.
  /// Throws `wouldDeadlock` from inside one, and the link's refusal where nobody is attached.
  package func takeTurn(_ link: some RunnableLink, _ body: (any LinkDispatcher) -> Void) throws(LinkError) {
    if isInTurn { throw LinkError(.wouldDeadlock, "a delivery inside a callback of the same link") }
    // Outlive the lock: the dispatcher may go away with them.
    var stale: (any LinkDispatcher)?
    let dispatcher = turnLock.withLock { turns -> (any LinkDispatcher)? in
      let (phase, seen) = state.withLock { ($0.phase, version.load(ordering: .relaxed)) }
      guard case .attached(let dispatcher) = phase else { return nil }
      enterTurn()
      defer { leaveTurn() }
      body(dispatcher)
      if version.load(ordering: .acquiring) != seen {
        // What the step before remembers: who detached in there does not wait for it to go, and no step may follow.
        stale = turns.dispatcher.take()
        link.attachmentEnded()
      }
      return dispatcher
    }
    withExtendedLifetime(stale) {}
    // Who detached in there and then closed left the end to this turn, if the worker had gone meanwhile.
    let isLeftOver = state.withLock { state in
      if case .closing(_, nil) = state.phase { !state.isThreadLive } else { false }
    }
    if isLeftOver { finish(link) }
    guard dispatcher != nil else { throw refusal() }
  }

  /// Arms the link and adds the bell, unless the phase has changed.
  func prepareToWait(_ link: some RunnableLink, seen: UInt64) -> WaitDecision {
    turnLock.withLock { turns in
      guard version.load(ordering: .acquiring) == seen else { return .somethingArrived }
      guard case .wait(var entries, let nanoseconds) = link.prepareToWait() else { return .somethingArrived }
      entries[3] = PollEntry(bell.descriptor, .input)
      turns.isArmed = true
      return .wait(entries, nanoseconds: nanoseconds)
    }
  }

  /// The same while nobody is attached.
  func prepareToWaitForAttachment(seen: UInt64) -> WaitDecision {
    turnLock.withLock { turns in
      guard version.load(ordering: .acquiring) == seen else { return .somethingArrived }
      var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1))
      entries[3] = PollEntry(bell.descriptor, .input)
      turns.awaitsAttachment = true
      return .wait(entries, nanoseconds: nil)
    }
  }

  /// Disarms the link after a wait, if it is still armed.
  func waitEnded(_ link: some RunnableLink, _ entries: InlineArray<4, PollEntry>?) {
    turnLock.withLock { turns in disarm(&turns, link, entries) }
  }

  /// As `waitEnded`, under the turn lock.
  func disarm(_ turns: inout Turns, _ link: some RunnableLink, _ entries: InlineArray<4, PollEntry>?) {
    guard turns.isArmed else { return }
    turns.isArmed = false
    if entries == nil || !entries![3].reported.isEmpty { takeRing(&turns) }
    if !turns.isReleased { link.waitEnded(entries) }
  }

  func takeRing(_ turns: inout Turns) {
    turns.awaitsAttachment = false
    do { _ = try bell.read() } catch { assertionFailure("the runner's own bell: \(error)") }
  }
}
