package import LinkCore
import LinkSystem

/// The end of a link: how it closes, what is left to be done then, and who waits for it.
extension LinkRunner {
  /// As `LinkEndpoint.close`, and how a link ends itself.
  package func close(_ reason: LinkCloseReason, _ link: some RunnableLink) {
    let nobodyDrives = state.withLock { state in
      switch state.phase {
      case .idle:
        change(&state, to: .closing(reason, nil))
        return !state.isThreadLive
      case .attached(let dispatcher):
        change(&state, to: .closing(reason, dispatcher))
        return false
      case .closing, .closed: return false
      }
    }
    link.freeHeldUpThreads(forGood: true)
    // Inside a turn the turn lock is taken: then whoever drives that turn finishes.
    if nobodyDrives, !isInTurn { finish(link) }
  }

  /// As `LinkEndpoint.wait`.
  package func wait() throws(LinkError) {
    if isInTurn { throw LinkError(.wouldDeadlock, "wait() inside a callback of the link it waits for") }
    closedLatch.wait()
    // Whoever comes second waits for the join of the first.
    joining.withLock { _ in
      let thread = state.withLock { $0.thread.take() }
      if let thread { thread.join() }
    }
  }

  /// The last step: releases the link's resources, then tells. Runs once, on whoever drives the link.
  func finish(_ link: some RunnableLink) {
    let isMine = state.withLock { state in
      guard case .closing = state.phase, !state.isFinishing else { return false }
      state.isFinishing = true
      return true
    }
    guard isMine else { return }
    // Outlives the lock, since the dispatcher may go away with it.
    var stale: (any LinkDispatcher)?
    let told: (any LinkDispatcher)? = turnLock.withLock { turns in
      enterTurn()
      stale = turns.dispatcher.take()
      turns.isReleased = true
      link.releaseResources()
      let last: (LinkCloseReason, (any LinkDispatcher)?)? = state.withLock { state in
        guard case .closing(let reason, let dispatcher) = state.phase else { return nil }
        change(&state, to: .closed(reason))
        state.isThreadLive = false
        return (reason, dispatcher)
      }
      guard let (reason, dispatcher) = last else { return nil }
      dispatcher?.linkDidClose(reason)
      return dispatcher
    }
    withExtendedLifetime((told, stale)) {}
    // Still as in a turn, so that a wait in there throws: it would be one for this thread. No turn comes any more.
    state.withLock { $0.closeAction.end() }?()
    leaveTurn()
    closedLatch.open()
  }

  // MARK: The owner's action

  /// What the owner wants done when the link is closed.
  struct CloseAction {
    private var action: (@Sendable () -> Void)?
    private var isOver = false

    /// Keeps an action in place of the one before. Returns what to let go, and whether it is too late to keep one.
    mutating func replace(_ new: (@Sendable () -> Void)?) -> (old: (@Sendable () -> Void)?, isOver: Bool) {
      if isOver { return (nil, true) }
      defer { action = new }
      return (action, false)
    }

    /// The link is closed: whoever sets an action now runs it.
    mutating func end() -> (@Sendable () -> Void)? {
      isOver = true
      return action.take()
    }
  }

  /// As `LinkEndpoint.setCloseAction`.
  package func setCloseAction(_ action: (@Sendable () -> Void)?) {
    // What the old one holds may call this link as it goes: not under the lock.
    let (old, isOver) = state.withLock { $0.closeAction.replace(action) }
    withExtendedLifetime(old) {}
    if isOver { action?() }
  }
}
