import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import Synchronization

/// A link whose packets come from the test: each carries its number. It checks what a runner promises to its link.
final class ScriptedLink: RunnableLink {
  struct State {
    var pushed: UInt64 = 0
    var delivered: UInt64 = 0
    var isStarved = false
    var hasRoom = false
    var ending: LinkCloseReason?
  }
  struct Counts: Sendable {
    var prepared = 0
    var ended = 0
    var released = 0
    var turns = 0
    /// Members that ran at the same time as another, or after the release.
    var violations = 0
  }

  let runner: LinkRunner
  private let bell: EventFD
  private let pool = PacketPool(chunkByteCount: 256, capacity: 4)
  private let state = Lock(State())
  private let counts = Lock(Counts())
  private let isBusy = Atomic<Bool>(false)

  init(_ drive: LinkOptions.Drive = .thread, spin: Duration = .zero) throws {
    var options = LinkOptions()
    options.drive = drive
    options.spin = spin
    runner = try LinkRunner(name: "scripted", options: options)
    bell = try EventFD()
  }

  var observed: Counts { counts.withLock { $0 } }

  // MARK: The test's side

  func push(_ count: Int) {
    state.withLock { $0.pushed += UInt64(count) }
    ring()
  }
  /// The next turn with nothing to deliver ends the link.
  func end(_ reason: LinkCloseReason) {
    state.withLock { $0.ending = reason }
    ring()
  }
  func starve() { state.withLock { $0.isStarved = true } }
  /// As a pool does when packets come home.
  func feed() {
    state.withLock { $0.isStarved = false }
    runner.ringBell()
  }
  /// Each turn from now on announces room.
  func makeRoom() { state.withLock { $0.hasRoom = true } }
  private func ring() { do { try bell.notify() } catch { fatalError("\(error)") } }

  func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try runner.attach(dispatcher, self) }
  func detach() { runner.detach(self) }
  func close(_ reason: LinkCloseReason = .requested) { runner.close(reason, self) }
  func wait() throws(LinkError) { try runner.wait() }
  func step() -> LinkStep { runner.step(self) }
  func plan() -> LinkWaitPlan? {
    var plan = LinkWaitPlan()
    return runner.plan(self, &plan) ? plan : nil
  }

  // MARK: The runner's side

  func announceRoom(_ dispatcher: any LinkDispatcher) {
    if state.withLock({ $0.hasRoom }) { dispatcher.linkHasRoom() }
  }

  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    exclusively {
      counts.withLock { $0.turns += 1 }
      let (first, count) = state.withLock { state -> (UInt64, Int) in
        if state.isStarved { return (0, -1) }
        let count = min(state.pushed - state.delivered, 4)
        defer { state.delivered += count }
        return (state.delivered, Int(count))
      }
      if count < 0 { return .starved }
      if count == 0 { return state.withLock { $0.ending }.map { .ended($0) } ?? .idle }
      var batch = PacketBatch(capacity: 4, pool: pool)
      for index in 0..<UInt64(count) {
        batch.append { packet in
          packet.append(8) { bytes in
            for i in 0..<8 { bytes[i] = UInt8(truncatingIfNeeded: (first + index) >> UInt64(8 * i)) }
          }
        }
      }
      dispatcher.deliverPackets(&batch)
      return .delivered
    }
  }

  func prepareToWait() -> WaitDecision {
    exclusively {
      let isReady = state.withLock { !$0.isStarved && ($0.pushed > $0.delivered || $0.ending != nil) }
      if isReady { return .somethingArrived }
      counts.withLock { $0.prepared += 1 }
      var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
      entries[0] = PollEntry(bell.descriptor, .input)
      return .wait(entries, nanoseconds: nil)
    }
  }

  func waitEnded(_ entries: InlineArray<4, PollEntry>?) {
    exclusively {
      counts.withLock { $0.ended += 1 }
      do { _ = try bell.read() } catch { fatalError("\(error)") }
    }
  }

  func releaseResources() {
    exclusively { counts.withLock { $0.released += 1 } }
  }

  private func exclusively<R>(_ body: () -> R) -> R {
    let isAlone = !isBusy.exchange(true, ordering: .relaxed)
    counts.withLock { if !isAlone || $0.released > 0 { $0.violations += 1 } }
    defer { isBusy.store(false, ordering: .relaxed) }
    return body()
  }
}

/// The numbers of the packets that came, in order.
func numbers(_ packets: [[UInt8]]) -> [UInt64] {
  packets.map { bytes in bytes.reversed().reduce(0) { $0 << 8 | UInt64($1) } }
}
