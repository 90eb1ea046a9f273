import CBaselines
import LinkSystem

/// Runs a case in alternating pairs: baseline, ours, baseline, ours, … What disturbs the machine for longer than a round
/// disturbs both sides of a pair, so the ratio of a pair says more than that of two medians.
struct Runner {
  var pairs: Int
  /// What each side moves in a round.
  var packets: Int
  /// How long a case may take: its rounds are made shorter, and then fewer, until it is kept. Nil: as long as it takes.
  var nanoseconds: UInt64?

  private static let fewestPairs = 2
  func run(_ benchCase: BenchCase, _ feeder: Feeder) throws -> CaseResult {
    let began = monotonicNanoseconds()
    var runner = self
    runner.packets = max(1, Int(Double(packets) * benchCase.weight))
    let (baseline, ours) = try benchCase.open(feeder)
    defer {
      baseline.close()
      ours.close()
    }
    if !benchCase.startsProcesses {
      runner.packets = try runner.warmUp(baseline, ours, until: nanoseconds.map { began + $0 })
    }
    var rounds: [(baseline: Measurement, ours: Measurement)] = []
    while rounds.count < pairs {
      rounds.append((try runner.round(baseline), try runner.round(ours)))
      if let nanoseconds, rounds.count >= Self.fewestPairs, monotonicNanoseconds() - began > nanoseconds { break }
    }
    return CaseResult(name: benchCase.name, isByClock: benchCase.isByClock, rounds)
  }

  /// Rounds that are not counted: the memory of both sides is touched for the first time. Returns how many packets a round is
  /// to have, so that all are over by the end.
  private func warmUp(_ baseline: Side, _ ours: Side, until end: UInt64?) throws -> Int {
    guard let end else {
      _ = try round(baseline)
      _ = try round(ours)
      return packets
    }
    var few = self
    few.packets = max(1, packets / 8)
    let began = monotonicNanoseconds()
    _ = try few.round(baseline)
    _ = try few.round(ours)
    let now = monotonicNanoseconds()
    let left = end > now ? end - now : 0
    let affordable = Double(left) / Double(pairs) / Double(now - began) * Double(few.packets)
    return max(1, few.packets / 8, min(packets, Int(affordable)))
  }

  func round(_ side: Side) throws -> Measurement {
    var sum = Measurement()
    while sum.packets < packets {
      let ready = try side.prepare(packets - sum.packets)
      if ready == 0 { throw BenchFailure("there is no room for a single packet") }
      let (cpu, clock) = (cb_thread_nanoseconds(), monotonicNanoseconds())
      let moved = try side.move(ready)
      sum.nanoseconds += moved.nanoseconds ?? (monotonicNanoseconds() - clock)
      // Of new processes nobody knows it here.
      if moved.nanoseconds == nil { sum.cpuNanoseconds += cb_thread_nanoseconds() - cpu }
      if moved.packets == 0 { throw BenchFailure("of \(ready) packets none arrived") }
      sum.packets += moved.packets
      sum.bytes += moved.bytes
      sum.roundTrips += moved.roundTrips
      sum.lost += max(0, ready - moved.packets)
    }
    return sum
  }
}
