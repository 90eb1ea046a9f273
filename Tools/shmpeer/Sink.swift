import LinkCore
import LinkSystem

/// Verifies and counts test packets.
final class Sink: ActionRunner {
  private struct State {
    let target: UInt64?
    var tracker = SequenceTracker()
    var received: UInt64 = 0
    var bytes: UInt64 = 0
    var corrupt: UInt64 = 0
    var unsummed: UInt64 = 0
    var foreign: UInt64 = 0
    var firstAt: UInt64 = 0
    var lastAt: UInt64 = 0
    /// Deliveries between one look at the clock and the next, and how many of them are to come.
    var skipped = 0
    var deliveriesUntilClock = 0

    var isDone: Bool { target.map { received >= $0 } ?? false }

    @inline(__always)
    mutating func take(_ bytes: Span<UInt8>) {
      if isDone { return }
      switch TestPacket.check(bytes) {
      case .valid(let sequence, let byteCount, let isVerified) where SequenceTracker.isPlausible(sequence):
        tracker.add(sequence)
        received &+= 1
        self.bytes &+= UInt64(byteCount)
        if !isVerified { unsummed &+= 1 }
      case .valid, .corrupt: corrupt += 1
      case .foreign: foreign += 1
      }
    }

    /// Reading the clock costs as much as a packet: while two looks at it lie within 16 microseconds, the clock of the
    /// kernel's ticks does for most deliveries between, though for no more than came before.
    mutating func noteTime() {
      if deliveriesUntilClock > 0, !isDone {
        deliveriesUntilClock &-= 1
        lastAt = max(lastAt, coarseMonotonicNanoseconds())
        return
      }
      let now = monotonicNanoseconds()
      skipped = now &- lastAt < 16_000 ? min(2 * skipped + 1, 15) : 0
      deliveriesUntilClock = skipped
      if firstAt == 0 { firstAt = now }
      lastAt = now
    }
  }

  let progress: Progress
  private let state: Lock<State>

  /// `target`: done after so many valid packets; nil: never.
  init(target: UInt64?) throws(Failure) {
    progress = try Progress()
    state = Lock(State(target: target))
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    let isDone = state.withLock { state in
      packets.forEach { state.take($0) }
      state.noteTime()
      return state.isDone
    }
    if isDone { progress.ring() }
  }

  var isDone: Bool { state.withLock { $0.isDone } }
  var lastArrival: UInt64 { state.withLock { $0.lastAt } }
  var hasGoal: Bool { state.withLock { $0.target != nil } }
  func proceed() -> UInt64? { nil }

  var received: UInt64 { state.withLock { $0.received } }

  func fill(_ report: inout Report) {
    state.withLock { state in
      report.transfer = Report.Transfer(
        received: state.received, bytes: state.bytes, lost: state.tracker.lost, duplicated: state.tracker.duplicated,
        reordered: state.tracker.reordered, corrupt: state.corrupt, unsummed: state.unsummed)
      report.rated = (state.received, state.bytes)
      report.seconds = Double(state.lastAt - state.firstAt) / 1e9
      if state.foreign > 0 { report.drops[.foreign, default: 0] += state.foreign }
    }
  }
}
