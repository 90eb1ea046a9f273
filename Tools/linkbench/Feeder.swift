import CBaselines
import LinkSystem

/// A thread that sends without end, on a processor of its own, while somebody measures how its packets are received.
final class Feeder: Sendable {
  private enum Job: Equatable {
    case nothing
    case feed(descriptor: CInt, byteCount: Int, cb_framing)
    case end
  }

  private struct State {
    var job = Job.nothing
    /// It is inside a call for a job.
    var isFeeding = false
  }

  private let state = Monitor(State())
  private let hasEnded = Latch()

  init() throws {
    _ = try SystemThread(name: "bench-feeder") { [state, hasEnded] in
      defer { hasEnded.open() }
      // Where there is one only, both share it.
      if let cpu = SecondProcess.cpus.other { ProcessControl.pin(to: cpu) }
      while true {
        let job = state.wait { state in
          state.isFeeding = state.job != .nothing
          return state.isFeeding ? state.job : nil
        }
        guard case .feed(let descriptor, let byteCount, let framing) = job else { return }
        _ = cb_fill(descriptor, CInt(byteCount), framing, 1024)
        state.withLock { $0.isFeeding = false }
      }
    }
  }

  /// Sends to `descriptor` as long as `body` runs, not longer.
  func feeding<R>(_ descriptor: CInt, byteCount: Int, _ framing: cb_framing, _ body: () throws -> R) rethrows -> R {
    state.withLock { $0.job = .feed(descriptor: descriptor, byteCount: byteCount, framing) }
    defer {
      state.withLock { $0.job = .nothing }
      _ = state.wait { $0.isFeeding ? nil : true }
    }
    return try body()
  }

  func end() {
    state.withLock { $0.job = .end }
    hasEnded.wait()
  }
}
