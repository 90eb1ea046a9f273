import Eventfd
import Glibc
import LinkCore
import LinkSystem

/// What the tool's main thread waits on: SIGINT and SIGTERM, and one descriptor of the moment.
final class Watch: Sendable {
  enum Wake { case signal, ready, timedOut }

  private let signals: OwnedDescriptor

  /// Blocks the signals: make it before the first thread starts.
  init() throws(Failure) {
    ProcessControl.ignoreBrokenPipes()
    do { signals = try ProcessControl.signalDescriptor([SIGINT, SIGTERM]) } catch {
      throw Failure(.missing, "signals: \(error)")
    }
  }

  /// For a process whose parent sees to ^C, and asks it to end by SIGTERM.
  init(forChild: Void) throws(Failure) {
    ProcessControl.ignoreBrokenPipes()
    do {
      _ = try ProcessControl.signalDescriptor([SIGINT])
      signals = try ProcessControl.signalDescriptor([SIGTERM])
    } catch { throw Failure(.missing, "signals: \(error)") }
  }

  /// Whether a signal came, now or earlier: nobody takes it away.
  var isSignalled: Bool { wait(-1, .input, until: 0) == .signal }

  /// Waits until the descriptor has one of `events` or lost its other end, a signal is there, or the deadline
  /// (`monotonicNanoseconds`) is over; nil waits for ever. A negative descriptor is none.
  func wait(_ descriptor: Int32, _ events: PollEvents = .input, until deadline: UInt64?) -> Wake {
    while true {
      var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
      entries[0] = PollEntry(signals.number, .input)
      entries[1] = PollEntry(descriptor, events)
      let now = monotonicNanoseconds()
      // Nothing of ours can fail here but for want of kernel memory: then look again.
      do { try poll(&entries, nanoseconds: deadline.map { $0 > now ? $0 - now : 0 }) } catch {}
      if !entries[0].reported.isEmpty { return .signal }
      if !entries[1].reported.isEmpty { return .ready }
      if let deadline, monotonicNanoseconds() >= deadline { return .timedOut }
    }
  }

  /// The same for what a server of hand-overs waits for; `ready` may mean nothing.
  func wait(_ plan: LinkWaitPlan, until deadline: UInt64?) -> Wake {
    let now = monotonicNanoseconds()
    let ends = [deadline.map { $0 > now ? $0 - now : 0 }, plan.timeout?.clampedNanoseconds].compactMap(\.self)
    let entries = plan.entries.map { ($0.descriptor, PollEvents(rawValue: $0.events)) }
    do { try poll(entries + [(signals.number, .input)], nanoseconds: ends.min()) } catch {}
    if isSignalled { return .signal }
    if let deadline, monotonicNanoseconds() >= deadline { return .timedOut }
    return .ready
  }
}

/// A point in time from now on, for `Watch.wait`.
func moment(after duration: Duration) -> UInt64 { monotonicNanoseconds() &+ duration.clampedNanoseconds }

extension Duration {
  var clampedMilliseconds: UInt64 { clampedNanoseconds / 1_000_000 }
  var clampedMicroseconds: UInt64 { clampedNanoseconds / 1000 }
}
