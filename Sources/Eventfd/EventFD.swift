public import LinkCore
import LinkSystem

/// The bell between two processes, or two threads: a counter in the kernel that one side adds to and the other takes.
/// It owns its descriptor. `eventfd(2)` in counter mode, non-blocking and close-on-exec.
///
/// The other side may share the open file, and then may fill the counter or clear O_NONBLOCK at any time. Reading and
/// waiting trust neither. The kernel has no write that never blocks, so `notify` and `write` look for room first: a peer
/// that fills the counter of a blocking file between that look and the write holds them up until somebody takes the
/// counter's value.
public struct EventFD: ~Copyable, Sendable {
  let file: OwnedDescriptor

  /// A new counter at 0.
  /// Throws `system`: no descriptor or no memory left.
  public init() throws(LinkError) {
    do { file = try EventCounter.create() } catch { throw LinkError(error) }
  }

  /// Takes ownership of an eventfd that somebody made or sent, and makes it non-blocking and close-on-exec.
  /// Throws `badDescriptor` if it is not open, or no eventfd in counter mode; the caller keeps it then.
  public init(takingOwnershipOf descriptor: Int32) throws(LinkError) {
    let isCounter: Bool
    do {
      isCounter = try EventCounter.isCounter(descriptor)
    } catch { throw LinkError(error, "event descriptor \(descriptor)", code: .badDescriptor) }
    guard isCounter else {
      throw LinkError(.badDescriptor, "descriptor \(descriptor) is not an eventfd in counter mode")
    }
    do {
      file = try OwnedDescriptor(preparing: descriptor)
    } catch { throw LinkError(error, "event descriptor \(descriptor)", code: .badDescriptor) }
  }

  private init(_ file: consuming OwnedDescriptor) { self.file = file }

  /// The number, for a wait of your own. It stays this value's.
  public var descriptor: Int32 { file.number }

  /// A second descriptor of the same counter.
  public func duplicate() throws(LinkError) -> EventFD {
    do { return EventFD(try file.duplicate()) } catch { throw LinkError(error) }
  }

  /// Gives the descriptor up: the caller closes it.
  public consuming func release() -> Int32 { file.release() }

  /// Closes the descriptor now rather than at the end of the scope.
  public consuming func close() {}

  /// Rings: adds 1. A counter that is full already is a bell that is ringing: no error.
  /// Throws `system` only if the descriptor is no eventfd any more.
  public func notify() throws(LinkError) {
    let result = EventCounter.add(1, to: file.number)
    if result < 0, result != -EventCounter.full { throw LinkError(SystemError("write", Int32(-result))) }
  }

  /// Adds `value`, at most 2^64 - 2. Returns false, and adds nothing, if the counter has no room for it.
  public func write(_ value: UInt64) throws(LinkError) -> Bool {
    let result = EventCounter.add(value, to: file.number)
    if result == 0 { return true }
    if result == -EventCounter.full { return false }
    throw LinkError(SystemError("write", Int32(-result)))
  }

  /// Takes the counter's value, leaving 0; nil if it was 0. Never blocks.
  public func read() throws(LinkError) -> UInt64? {
    do { return try EventCounter.take(file.number) } catch { throw LinkError(error) }
  }

  /// Whether it is ringing; takes nothing.
  public func poll() throws(LinkError) -> Bool {
    do { return try LinkSystem.poll(file.number, .input, nanoseconds: 0).contains(.input) } catch {
      throw LinkError(error)
    }
  }

  /// How a wait ended.
  public enum WaitResult: Equatable, Sendable {
    /// This one rang; nothing was taken.
    case notified
    /// The stop event rang, perhaps both.
    case stopped
    case timedOut
  }

  /// Waits until this one or `stop` rings, or the time is over; nil waits for ever.
  public func wait(stop: borrowing EventFD, timeout: Duration? = nil) throws(LinkError) -> WaitResult {
    let deadline = timeout.map { monotonicNanoseconds() &+ $0.clampedNanoseconds }
    while true {
      var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1))
      entries[0] = PollEntry(file.number, .input)
      entries[1] = PollEntry(stop.file.number, .input)
      let now = monotonicNanoseconds()
      let left = deadline.map { $0 > now ? $0 - now : 0 }
      do { try LinkSystem.poll(&entries, nanoseconds: left) } catch { throw LinkError(error) }
      if !entries[1].reported.isEmpty { return .stopped }
      if !entries[0].reported.isEmpty { return .notified }
      if let deadline, monotonicNanoseconds() >= deadline { return .timedOut }
    }
  }
}

extension Duration {
  /// Nanoseconds, at least 0 and at most what a wait can take (about 146 years).
  package var clampedNanoseconds: UInt64 {
    let (seconds, attoseconds) = components
    if seconds < 0 || attoseconds < 0 { return 0 }
    let limit: UInt64 = 1 << 62
    let (product, overflow) = UInt64(seconds).multipliedReportingOverflow(by: 1_000_000_000)
    return overflow || product >= limit ? limit : product + UInt64(attoseconds / 1_000_000_000)
  }
}
