import CBaselines
import FDLink
import LinkCore
import LinkSystem
import SharedMemLink

/// What a link costs that has nothing to do: both ends are here, each with a thread of its own that spins as it does by
/// default, and nothing else in this process runs.
struct IdleCase {
  let name: String
  var needsRoot: Bool { false }
  let open: () throws -> (near: any LinkEndpoint, far: any LinkEndpoint)

  static var all: [IdleCase] {
    [
      IdleCase(name: "idle/shared-memory") {
        let queues = try QueuePair.make()
        let client = try SharedMemEndpoint(.client, queues: try queues.duplicate())
        return (client, try SharedMemEndpoint(.server, queues: queues))
      },
      IdleCase(name: "idle/seqpacket") {
        let (near, far) = try FDEndpoint.socketPair(.seqpacket)
        return (near, try FDEndpoint(takingOwnershipOf: far))
      },
    ]
  }

  private static let settling: UInt64 = 50_000_000

  /// The silence begins a moment behind some packets, which a spinning thread has to get over.
  func measure(nanoseconds: UInt64) throws -> IdleResult {
    let (nearLink, farLink) = try open()
    let near = try ThreadedLink(nearLink)
    let far = try ThreadedLink(farLink)
    defer {
      near.close()
      far.close()
    }
    let batch = try near.makeBatch(32, byteCount: 64)
    for _ in 0..<100 { try far.receiving(32) { try near.send(32, batch) } }
    try poll([], nanoseconds: Self.settling)
    let (cpu, clock) = (cb_process_nanoseconds(), monotonicNanoseconds())
    try poll([], nanoseconds: nanoseconds)
    let share = Double(cb_process_nanoseconds() - cpu) / Double(monotonicNanoseconds() - clock)
    return IdleResult(name: name, seconds: Double(nanoseconds) / 1e9, cpuPercent: share * 100)
  }
}

struct IdleResult: Codable, Equatable {
  var name: String
  var seconds: Double
  /// Of one processor, both ends together.
  var cpuPercent: Double
  /// Less than this.
  var target = Target.idlePercent
  var met: Bool

  init(name: String, seconds: Double, cpuPercent: Double) {
    (self.name, self.seconds, self.cpuPercent) = (name, seconds, cpuPercent)
    met = cpuPercent < target
  }
}
