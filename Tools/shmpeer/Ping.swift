import LinkCore
import LinkSystem

/// Sends one test packet at a time to an echoing peer. The reply's arrival sends the next one, from the link's own
/// thread: so the times are the link's, without a thread of the tool in between.
final class Ping: ActionRunner {
  private struct State: ~Copyable {
    /// One packet, sent again and again.
    var batch: PacketBatch
    /// The number that is under way; the packet is on its way since `sentAt`, or waits for room when that is nil.
    var sequence: UInt64 = 0
    var sentAt: UInt64?
    var histogram = LatencyHistogram()
    var transfer = Report.Transfer()
    var foreign: UInt64 = 0
    var sent: UInt64 = 0
    var startedAt: UInt64 = monotonicNanoseconds()
    var lastAt: UInt64 = monotonicNanoseconds()
    var isDone = false
  }

  /// After so long without a reply a packet is lost, and the next one goes.
  private static let patience: UInt64 = 10_000_000_000

  let progress: Progress
  private let link: any LinkEndpoint
  private let limit: Source.Limit
  private let check: Check
  private let size: Int
  private let state: Lock<State>

  init(_ link: any LinkEndpoint, _ limit: Source.Limit, _ options: Options) throws(Failure) {
    progress = try Progress()
    self.link = link
    self.limit = limit
    check = options.check
    size = options.size
    state = Lock(State(batch: try TestBatch.make(for: link, count: 1, options)))
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    let now = monotonicNanoseconds()
    let isDone = state.withLock { state in
      packets.forEach { take($0, &state, now) }
      return state.isDone
    }
    if isDone { progress.ring() }
  }

  func linkHasRoom() { state.withLock { if $0.sentAt == nil { send(&$0) } } }

  var isDone: Bool { state.withLock { $0.isDone } }
  var hasGoal: Bool { true }
  var isSender: Bool { true }

  /// Sends the first packet, and gives up on one that is late.
  func proceed() -> UInt64? {
    state.withLock { state in
      if state.isDone { return nil }
      let now = monotonicNanoseconds()
      if let sentAt = state.sentAt, now &- sentAt >= Self.patience {
        state.transfer.lost += 1
        next(&state, now)
      } else if state.sentAt == nil {
        send(&state)
      }
      return 100_000_000
    }
  }

  private func take(_ bytes: Span<UInt8>, _ state: inout State, _ now: UInt64) {
    switch TestPacket.check(bytes) {
    case .valid(let sequence, let byteCount, let isVerified):
      guard let sentAt = state.sentAt, sequence == state.sequence else {
        // Doubled, or so late that it was given up.
        state.transfer.duplicated += 1
        return
      }
      state.histogram.add(nanoseconds: now &- sentAt)
      state.transfer.received += 1
      state.transfer.bytes += UInt64(byteCount)
      if !isVerified { state.transfer.unsummed += 1 }
      next(&state, now)
    case .corrupt: state.transfer.corrupt += 1
    case .foreign: state.foreign += 1
    }
  }

  private func next(_ state: inout State, _ now: UInt64) {
    state.sequence += 1
    state.sentAt = nil
    state.lastAt = now
    switch limit {
    case .count(let count): state.isDone = state.sequence >= count
    case .deadline(let end): state.isDone = now >= end
    }
    if !state.isDone { send(&state) }
  }

  private func send(_ state: inout State) {
    if state.isDone { return }
    let sequence = state.sequence
    state.batch.modify(0) { packet in
      packet.withMutableBytes { TestPacket.stamp(&$0, sequence: sequence, check: check) }
    }
    let now = monotonicNanoseconds()
    do {
      if try link.writeBatch(state.batch) == 0 { return }
      state.sentAt = now
      state.sent += 1
    } catch {
      // No room: `linkHasRoom` follows. Closed: `linkDidClose` does.
    }
  }

  func fill(_ report: inout Report) {
    state.withLock { state in
      report.size = size
      report.sent = state.sent
      report.transfer = state.transfer
      report.rated = (state.transfer.received, state.transfer.bytes)
      report.seconds = Double(state.lastAt - state.startedAt) / 1e9
      report.latency = state.histogram
      if state.foreign > 0 { report.drops[.foreign, default: 0] += state.foreign }
    }
  }
}
