package import LinkCore
import LinkSystem
public import Synchronization

/// The lifecycle of a link and what drives it: idle, attached, closing, closed. Both links run on this one.
///
/// Two locks, taken in this order and never the other way round: the turn lock around everything that touches the
/// receiving side, callbacks included; the state lock around changes of phase, never around a callback.
@usableFromInline package final class LinkRunner: Sendable {
  enum Phase {
    case idle
    case attached(any LinkDispatcher)
    case closing(LinkCloseReason, (any LinkDispatcher)?)
    case closed(LinkCloseReason)
  }

  struct State: ~Copyable {
    var phase = Phase.idle
    /// The worker, until somebody joined it.
    var thread: SystemThread?
    /// The worker still looks at `phase`: it will see a change. Otherwise it is gone, or as good as.
    var isThreadLive = false
    var isFinishing = false
    var closeAction = CloseAction()
  }

  /// What whoever holds the turn lock knows.
  struct Turns {
    /// Who was attached in phase `seen`, as the last step of a caller left it: while that is the phase, the state lock
    /// is not needed to know. What is out of date is taken out by whoever changes the phase, or by the turn inside which
    /// it was changed, and goes under no lock.
    var dispatcher: (any LinkDispatcher)?
    var seen: UInt64 = 0
    /// A wait was prepared and has not ended.
    var isArmed = false
    /// The same while nobody is attached: only the runner's bell ends it.
    var awaitsAttachment = false
    /// The link's resources are gone: there is nothing to disarm.
    var isReleased = false
  }

  let state = Lock(State())
  let turnLock = Lock(Turns())
  /// Changes with every change of phase, inside the state lock. A turn that was meant for an older one does nothing.
  let version = Atomic<UInt64>(0)
  @usableFromInline let attachedFlag = Atomic<Bool>(false)
  /// The thread that is inside a turn or a callback; 0: none.
  let turningThread = Atomic<UInt>(0)
  let bell: EventFD
  let drive: LinkOptions.Drive
  let spinNanoseconds: UInt64
  private let name: String
  let closedLatch = Latch()
  let joining = Lock(())
  /// The pool that has been asked for a wake-up; 0: none.
  private let askedPool = Atomic<UInt>(0)

  /// `name`: of the worker thread, at most 15 bytes.
  package init(name: String, options: LinkOptions) throws(LinkError) {
    self.name = name
    drive = options.drive
    spinNanoseconds = options.spin.clampedNanoseconds
    bell = try EventFD()
  }

  @inlinable package var isAttached: Bool { attachedFlag.load(ordering: .acquiring) }

  /// Ends the wait of whoever drives the link.
  package func ringBell() {
    // The bell is ours alone: a full counter is a bell that rings, and nothing else can fail.
    do { try bell.notify() } catch { assertionFailure("the runner's own bell: \(error)") }
  }

  /// Asks an empty pool to end the wait of whoever drives the link; false if it is not empty. Asks once: a link that
  /// starves may wake for other reasons, and as often as its peer likes.
  package func ringBellWhenAvailable(_ pool: PacketPool) -> Bool {
    let identity = UInt(bitPattern: ObjectIdentifier(pool))
    if askedPool.load(ordering: .acquiring) == identity { return true }
    askedPool.store(identity, ordering: .releasing)
    let isAsked = pool.whenAvailable { [weak self] in
      guard let self else { return }
      askedPool.store(0, ordering: .releasing)
      ringBell()
    }
    if !isAsked { askedPool.store(0, ordering: .releasing) }
    return isAsked
  }

  // MARK: Changes of phase

  /// As `LinkEndpoint.attach`.
  package func attach(_ dispatcher: any LinkDispatcher, _ link: some RunnableLink) throws(LinkError) {
    try state.withLock { state throws(LinkError) in
      switch state.phase {
      case .idle: break
      case .attached: throw LinkError(.alreadyAttached, "link has a dispatcher already: detach it first")
      case .closing(let reason, _), .closed(let reason): throw reason.error
      }
      if drive == .thread, !state.isThreadLive {
        // It decided to end under this lock, and needs it no more: joining is short.
        state.thread.take()?.join()
        do throws(SystemError) {
          state.thread = try SystemThread(name: name) { [self] in run(link) }
        } catch { throw LinkError(error, "worker thread") }
        state.isThreadLive = true
      }
      change(&state, to: .attached(dispatcher))
    }
  }

  /// As `LinkEndpoint.detach`.
  package func detach(_ link: some RunnableLink) {
    // The dispatcher may go away here, and call this link once more: not under the lock.
    let detached = beginDetach()
    // A turn that began before this change, or another thread's, may be delivering: wait for its end, unless this is it.
    if !isInTurn { awaitTurn(link) }
    withExtendedLifetime(detached) {}
  }

  /// The first half of `detach`: no further turn begins. Returns the dispatcher, which the caller lets go under no lock.
  package func beginDetach() -> (any LinkDispatcher)? {
    state.withLock { state in
      guard case .attached(let dispatcher) = state.phase else { return nil }
      change(&state, to: .idle)
      return dispatcher
    }
  }

  /// The second half: waits for the end of the turn under way. Not from inside one.
  package func awaitTurn(_ link: some RunnableLink) {
    var pause: UInt64 = 10_000
    while true {
      link.freeHeldUpThreads(forGood: false)
      var stale: (any LinkDispatcher)?
      let isOver: Void? = turnLock.withLockIfAvailable { turns in
        stale = turns.dispatcher.take()
        if !turns.isReleased { link.attachmentEnded() }
      }
      withExtendedLifetime(stale) {}
      if isOver != nil { return }
      // Not waited for in the lock: the peer may hold up that turn again, as often as it rings.
      _ = try? poll([], nanoseconds: pause)
      pause = min(2 * pause, 1_000_000)
    }
  }

  /// Under the state lock.
  func change(_ state: inout State, to phase: Phase) {
    state.phase = phase
    if case .attached = phase {
      attachedFlag.store(true, ordering: .releasing)
    } else {
      attachedFlag.store(false, ordering: .releasing)
    }
    version.wrappingAdd(1, ordering: .releasing)
    ringBell()
  }
}
