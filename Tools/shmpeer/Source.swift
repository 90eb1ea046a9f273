import LinkCore
import LinkSystem

/// Sends test packets, as fast as the peer takes them.
final class Source: ActionRunner {
  /// When to stop.
  enum Limit {
    case count(UInt64)
    /// At a time of `monotonicNanoseconds`.
    case deadline(UInt64)
  }

  private struct State: ~Copyable {
    /// All packets of a row, built once: only numbers and bodies change.
    var batch: PacketBatch
    /// The number of the row's first packet, and how many of the row are gone.
    var first: UInt64 = 0
    var offset = 0
    var isStamped = false
    /// Rows to come before the clock is read.
    var rowsUntilClock = 0
    var sent: UInt64 = 0
    var hasSentAll = false
    var isDone = false
    var firstAt: UInt64 = 0
    var lastAt: UInt64 = 0
  }

  /// A full queue is looked at again for this long before the thread sleeps.
  private static let spinNanoseconds: UInt64 = 20_000
  /// The clock costs as much as a packet: whether the time is up is asked once in so many rows, and after each for which
  /// there was no room.
  private static let rowsPerClock = 16

  let progress: Progress
  private let link: any LinkEndpoint
  private let limit: Limit
  private let check: Check
  private let size: Int
  private let state: Lock<State>

  init(_ link: any LinkEndpoint, _ limit: Limit, _ options: Options) throws(Failure) {
    progress = try Progress()
    self.link = link
    self.limit = limit
    check = options.check
    size = options.size
    state = Lock(State(batch: try TestBatch.make(for: link, count: options.batch, options)))
  }

  func deliverPackets(_ packets: inout PacketBatch) {}
  func linkHasRoom() { progress.ring() }

  var isDone: Bool { state.withLock { $0.isDone } }
  var hasGoal: Bool { true }
  var isSender: Bool { true }
  var sent: UInt64 { state.withLock { $0.sent } }

  func proceed() -> UInt64? {
    state.withLock { state in
      if state.firstAt == 0 { state.firstAt = monotonicNanoseconds() }
      var blockedSince: UInt64?
      // So many rows, then the main thread looks after signals and time.
      for _ in 0..<512 where !state.hasSentAll {
        if sendRow(&state) {
          blockedSince = nil
          continue
        }
        if progress.closeReason != nil { return nil }
        let now = monotonicNanoseconds()
        if now &- (blockedSince ?? now) > Self.spinNanoseconds { return nil }
        if blockedSince == nil { blockedSince = now }
        spinPause()
      }
      guard state.hasSentAll else { return 0 }
      state.isDone = link.hasDrained
      state.lastAt = monotonicNanoseconds()
      // Nothing announces that the peer took a packet.
      return state.isDone ? nil : 50_000
    }
  }

  /// Sends what is left of the row; false when nothing went.
  private func sendRow(_ state: inout State) -> Bool {
    if !state.isStamped { stamp(&state) }
    var count = state.batch.count
    switch limit {
    case .count(let count64): count = Int(min(UInt64(count), count64 - state.first))
    // One row goes in any case, however long it took to make.
    case .deadline(let end):
      if state.offset == 0, state.first > 0 {
        if state.rowsUntilClock == 0 {
          state.hasSentAll = monotonicNanoseconds() >= end
          state.rowsUntilClock = Self.rowsPerClock
        }
        state.rowsUntilClock -= 1
      }
    }
    if state.hasSentAll { return true }
    let taken = state.batch.withPackets { packets in
      do { return try link.writePackets(packets.extracting(state.offset..<count)) } catch { return 0 }
    }
    if taken == 0 { state.rowsUntilClock = 0 }
    state.offset += taken
    state.sent += UInt64(taken)
    if state.offset == count {
      state.first += UInt64(count)
      state.offset = 0
      state.isStamped = false
      if case .count(state.first) = limit { state.hasSentAll = true }
    }
    return taken > 0
  }

  private func stamp(_ state: inout State) {
    for index in 0..<state.batch.count {
      let sequence = state.first &+ UInt64(index)
      state.batch.modify(index) { packet in
        packet.withMutableBytes { TestPacket.stamp(&$0, sequence: sequence, check: check) }
      }
    }
    state.isStamped = true
  }

  func fill(_ report: inout Report) {
    state.withLock { state in
      report.size = size
      report.sent = state.sent
      report.rated = (state.sent, state.sent * UInt64(size))
      if state.lastAt == 0 { state.lastAt = monotonicNanoseconds() }
      report.seconds = Double(state.lastAt - state.firstAt) / 1e9
    }
  }
}
