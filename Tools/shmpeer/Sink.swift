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
    var arrivals = ArrivalClock()

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
      if state.isDone { return true }
      packets.forEach { state.take($0) }
      let isDone = state.isDone
      state.arrivals.note(packets: state.received, bytes: state.bytes, isLast: isDone)
      return isDone
    }
    if isDone { progress.ring() }
  }

  var isDone: Bool { state.withLock { $0.isDone } }
  var lastArrival: UInt64 { state.withLock { $0.arrivals.lastArrival } }
  var hasGoal: Bool { state.withLock { $0.target != nil } }
  func proceed() -> UInt64? { nil }

  var received: UInt64 { state.withLock { $0.received } }

  func fill(_ report: inout Report) {
    state.withLock { state in
      report.transfer = Report.Transfer(
        received: state.received, bytes: state.bytes, lost: state.tracker.lost, duplicated: state.tracker.duplicated,
        reordered: state.tracker.reordered, corrupt: state.corrupt, unsummed: state.unsummed)
      report.rated = state.arrivals.rated
      report.seconds = state.arrivals.seconds
      if state.foreign > 0 { report.drops[.foreign, default: 0] += state.foreign }
    }
  }
}
