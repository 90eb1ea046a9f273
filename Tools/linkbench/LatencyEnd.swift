import LinkCore
import LinkSystem
import SharedMemLink
import Synchronization

/// One end of a link with a thread of its own, as most programs have it: packets are answered, or sent anew, from inside the
/// delivery of the one before.
final class LatencyEnd: RunningEnd {
  private let link: any LinkEndpoint
  private let responder: Responder

  init(_ end: QueueEnd, _ queues: consuming QueuePair) throws {
    var options = LinkOptions(mtu: max(1500, end.byteCount))
    if end.waiting == .sleeps { options.spin = .zero }
    let link = try SharedMemEndpoint(end.role, queues: queues, options: options)
    self.link = link
    responder = try Responder(link, byteCount: end.byteCount)
    try link.attach(responder)
  }

  /// Its thread answers whatever comes, whenever: who waited here for a number of packets could begin after the first ones.
  func echo(_ count: Int) {}

  func ping(_ count: Int, every interval: UInt64?) throws -> Moved {
    guard let interval else {
      try responder.run(.ping, count)
      return responder.moved
    }
    responder.begin(.pacedPing, count)
    try Pace.run(count, every: interval) { try responder.sendOne() }
    try responder.finish()
    return responder.moved
  }

  func close() {
    link.close()
    try? link.wait()
  }
}

/// Calls at even distances, as well as a sleeping thread can.
enum Pace {
  static func run(_ count: Int, every interval: UInt64, _ body: () throws -> Void) throws {
    var next = monotonicNanoseconds()
    for _ in 0..<count {
      next += interval
      let now = monotonicNanoseconds()
      if now < next { try poll([], nanoseconds: next - now) }
      try body()
    }
  }
}

/// Answers packets, or sends the next one when an answer came.
private final class Responder: LinkDispatcher {
  enum Task { case ping, pacedPing }

  private struct State {
    var task = Task.ping
    var left = 0
    var sent: UInt64 = 0
    var roundTrips: [UInt64] = []
  }

  private unowned let link: any LinkEndpoint
  private let packets: PacketRow
  private let byteCount: Int
  private let state = Lock(State())
  /// False: whatever comes is answered.
  private let isAsking = Atomic(false)
  /// Whether the task is over, and how.
  private let outcome = Monitor<Result<Void, any Error>?>(nil)

  init(_ link: any LinkEndpoint, byteCount: Int) throws {
    self.link = link
    self.byteCount = byteCount
    packets = PacketRow(try LinkUnderTest.makeBatch(1, byteCount: byteCount, for: link))
  }

  var moved: Moved {
    let roundTrips = state.withLock { $0.roundTrips }
    return Moved(packets: roundTrips.count, bytes: roundTrips.count * byteCount, roundTrips: roundTrips)
  }

  func run(_ task: Task, _ count: Int) throws {
    begin(task, count)
    if task == .ping { try sendOne() }
    try finish()
  }

  func begin(_ task: Task, _ count: Int) {
    outcome.withLock { $0 = nil }
    isAsking.store(true, ordering: .relaxed)
    state.withLock { state in
      state = State(task: task, left: count)
      state.roundTrips.reserveCapacity(count)
    }
  }

  func finish() throws {
    guard let outcome = outcome.wait(deadline: monotonicNanoseconds() + 120_000_000_000, { $0 }) else {
      throw BenchFailure("packets got lost")
    }
    try outcome.get()
  }

  /// A client gives its server the first room from its own thread, a moment after it was attached.
  func sendOne() throws {
    let end = monotonicNanoseconds() + 10_000_000_000
    while true {
      state.withLock { $0.sent = monotonicNanoseconds() }
      do throws(LinkError) {
        try link.writeBatch(packets.batch)
        return
      } catch { guard error.code == .wouldBlock, monotonicNanoseconds() < end else { throw error } }
      yieldThread()
    }
  }

  func deliverPackets(_ batch: inout PacketBatch) {
    // As in C, who answers does nothing else.
    guard isAsking.load(ordering: .relaxed) else {
      do { try link.writeBatch(batch) } catch { outcome.withLock { $0 = .failure(error) } }
      return
    }
    let now = monotonicNanoseconds()
    let count = batch.count
    let (task, isOver) = state.withLock { state in
      state.left -= count
      state.roundTrips.append(now - state.sent)
      state.sent = now
      return (state.task, state.left <= 0)
    }
    do {
      if task == .ping, !isOver { try link.writeBatch(packets.batch) }
      if isOver { outcome.withLock { $0 = .success(()) } }
    } catch { outcome.withLock { $0 = .failure(error) } }
  }
}
