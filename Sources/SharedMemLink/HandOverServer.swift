import Eventfd
public import LinkCore
import LinkSystem

/// Makes queues for whoever comes to a Unix seqpacket socket at a path, and hands them over to many peers at once: one that
/// stays silent, sends nonsense or takes its time delays nobody. The socket's file goes away with this object.
///
/// `next()` waits on the caller's thread. In an event loop: `step()` until it has nothing, then wait as `prepareToWait()`
/// says.
public final class HandOverServer: Sendable {
  /// How much peers can make a server hold.
  public struct Limits: Equatable, Sendable {
    /// How many hand-overs may be under way, each with the memory of its queues once the peer has said hello. A further
    /// peer takes the place of the oldest that has said nothing yet, or else of the oldest.
    public var pendingCount = 16
    /// How long a peer may take for each of its two messages.
    public var timeout: Duration = .seconds(5)

    public init() {}
  }

  /// What a step came to.
  public enum Step: ~Copyable, Sendable {
    /// Nothing is to be done now.
    case idle
    /// A peer has its end of a link, and here are this side's queues.
    case handedOver(HandedOver)
    /// A peer was let go: it left, was late, or broke the protocol.
    case dropped(LinkError)
  }

  private struct State: ~Copyable {
    /// The oldest first.
    var pending: [PendingHandOver] = []
    /// Out of descriptors or memory: newcomers wait until then.
    var restUntil: UInt64 = 0
  }

  public let path: String
  private let offer: LinkOffer
  private let geometry: QueueGeometry
  private let limits: Limits
  private let listener: OwnedDescriptor
  private let state = Lock(State())

  /// Listens at `path`, at most 107 bytes long. A socket file that nobody listens on any more is replaced. The queues'
  /// buffers are as the offer says.
  /// Throws `invalidArgument`, or `system`: EADDRINUSE when somebody listens there, or the path is another kind of file.
  public init(
    path: String, offer: LinkOffer, geometry: QueueGeometry = QueueGeometry(), limits: Limits = Limits()
  ) throws(LinkError) {
    try LinkOptions.validate(mtu: offer.mtu)
    var geometry = geometry
    geometry.bufferByteCount = offer.bufferByteCount
    try geometry.validate()
    guard (1...1024).contains(limits.pendingCount) else {
      throw LinkError(.invalidArgument, "pending hand-overs \(limits.pendingCount): must be 1 to 1024")
    }
    do { listener = try UnixSocket.listen(path: path) } catch { throw LinkError(error) }
    UnixSocket.refuseDescriptors(listener.number)
    self.path = path
    self.offer = offer
    self.geometry = geometry
    self.limits = limits
  }

  deinit { UnixSocket.removeFile(path) }

  /// Goes on with what is under way, and takes in new peers. Never blocks.
  public func step() -> Step {
    state.withLock { state in
      // Whoever connects in a loop gets no more than this of one step.
      for _ in 0..<64 {
        for (index, pending) in state.pending.enumerated() {
          do throws(LinkError) {
            guard let done = try pending.proceed(offer, geometry) else { continue }
            state.pending.remove(at: index)
            return .handedOver(done)
          } catch {
            state.pending.remove(at: index)
            return .dropped(error)
          }
        }
        guard let connection = acceptNext(&state) else { break }
        let expelled = state.pending.count < limits.pendingCount ? nil : expel(&state)
        state.pending.append(PendingHandOver(connection, timeout: limits.timeout))
        if let expelled { return .dropped(expelled) }
      }
      return .idle
    }
  }

  /// What to wait for until the next step.
  public func prepareToWait() -> LinkWaitPlan {
    state.withLock { state in
      let now = monotonicNanoseconds()
      var entries = state.pending.map { LinkWaitPlan.Entry(descriptor: $0.number, events: PollEvents.input.rawValue) }
      var ends = state.pending.map(\.deadline)
      if state.restUntil > now {
        ends.append(state.restUntil)
      } else {
        entries.append(LinkWaitPlan.Entry(descriptor: listener.number, events: PollEvents.input.rawValue))
      }
      let timeout = ends.min().map { $0 > now ? $0 - now : 0 }
      return LinkWaitPlan(entries: entries, timeout: timeout.map { .nanoseconds(Int64(clamping: $0)) })
    }
  }

  /// Waits for the next peer that has its end of a link; nil when the time is over. Without a timeout it waits for ever.
  public func next(timeout: Duration? = nil) throws(LinkError) -> HandedOver? {
    let deadline = timeout.map { monotonicNanoseconds() &+ $0.clampedNanoseconds }
    while true {
      var isIdle = false
      switch step() {
      case .handedOver(let done): return done
      case .dropped: break
      case .idle: isIdle = true
      }
      let now = monotonicNanoseconds()
      // Also between bad peers, of whom there may be no end.
      if let deadline, now >= deadline { return nil }
      if !isIdle { continue }
      let plan = prepareToWait()
      let ends = [deadline.map { $0 - now }, plan.timeout?.clampedNanoseconds].compactMap(\.self)
      do {
        try poll(
          plan.entries.map { ($0.descriptor, PollEvents(rawValue: $0.events)) }, nanoseconds: ends.min())
      } catch { throw LinkError(error) }
    }
  }

  private func acceptNext(_ state: inout State) -> OwnedDescriptor? {
    if state.restUntil > monotonicNanoseconds() { return nil }
    do { return try UnixSocket.accept(listener) } catch {
      // Nothing of it is the listener's own fault, and the newcomer stays where it is.
      state.restUntil = monotonicNanoseconds() &+ 100_000_000
      return nil
    }
  }

  private func expel(_ state: inout State) -> LinkError {
    let index = state.pending.firstIndex(where: \.isSilent) ?? 0
    state.pending.remove(at: index)
    return LinkError(.timedOut, "hand-over: \(limits.pendingCount) peers are waiting: the oldest makes room")
  }
}
