package import LinkCore
package import LinkSystem

/// The link's half of the one worker loop: what differs from link to link. `LinkRunner` calls the members under its
/// turn lock, so they never run at the same time; but for `mayHavePackets` and `freeHeldUpThreads`.
package protocol RunnableLink: AnyObject, Sendable {
  /// Calls `linkHasRoom()` if room was wanted and is there. The dispatcher may detach or close in there: the runner
  /// looks before it goes on with the turn.
  func announceRoom(_ dispatcher: any LinkDispatcher)
  /// Receives at most a batch and delivers it. Never blocks; it may spin for a microsecond.
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn
  /// A cheap look, for a thread that spins: whether a turn would find packets. Called between turns, without the turn
  /// lock, and for a moment after a detach. It may be wrong for a while: a turn follows after a few looks in any case.
  var mayHavePackets: Bool { get }
  /// Arms the bells, and looks once more.
  func prepareToWait() -> WaitDecision
  /// The wait that was prepared is over. `entries` as they came back from the kernel; nil where somebody else waited.
  func waitEnded(_ entries: InlineArray<4, PollEntry>?)
  /// No turn follows until the link is attached again, if ever. May be called more than once.
  func attachmentEnded()
  /// The phase is about to be, or was, changed: frees threads that the peer holds up inside this link, within 100 ms. The
  /// one member that any thread may call at any time. `forGood`: the link is closing.
  func freeHeldUpThreads(forGood: Bool)
  /// The link is over: gives back descriptors and mappings. Called once, before the dispatcher hears of the end.
  func releaseResources()
}

extension RunnableLink {
  package var mayHavePackets: Bool { true }
  package func attachmentEnded() {}
  package func freeHeldUpThreads(forGood: Bool) {}
}

/// What a turn came to. A word: every turn hands one through.
package enum LinkTurn: Sendable {
  case delivered, idle
  /// The pool is empty; the link has asked it to ring the runner's bell.
  case starved
  /// The link cannot go on.
  indirect case ended(LinkCloseReason)
}

/// What to wait for. Entry 3 belongs to the runner, for its bell.
package enum WaitDecision: Sendable {
  case somethingArrived
  /// `nanoseconds` nil: until something happens.
  case wait(InlineArray<4, PollEntry>, nanoseconds: UInt64?)

  /// Until the runner's bell rings.
  package static var waitForBell: WaitDecision { .wait(InlineArray(repeating: PollEntry(-1)), nanoseconds: nil) }
}
