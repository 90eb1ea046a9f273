import CBaselines
import LinkSystem

/// Runs a case in alternating pairs: baseline, ours, baseline, ours, … What disturbs the machine for longer than a round
/// disturbs both sides of a pair, so the ratio of a pair says more than that of two medians.
struct Runner {
  var pairs: Int
  /// What each side moves in a round.
  var packets: Int

  func run(_ benchCase: BenchCase, _ feeder: Feeder) throws -> CaseResult {
    var runner = self
    runner.packets = max(1, Int(Double(packets) * benchCase.weight))
    return try runner.runUnweighted(benchCase, feeder)
  }

  private func runUnweighted(_ benchCase: BenchCase, _ feeder: Feeder) throws -> CaseResult {
    let (baseline, ours) = try benchCase.open(feeder)
    defer {
      baseline.close()
      ours.close()
    }
    // Not counted: the memory of both is touched for the first time.
    _ = try round(baseline)
    _ = try round(ours)
    var rounds: [(baseline: Measurement, ours: Measurement)] = []
    for _ in 0..<pairs { rounds.append((try round(baseline), try round(ours))) }
    return CaseResult(name: benchCase.name, isByClock: benchCase.isByClock, rounds)
  }

  func round(_ side: Side) throws -> Measurement {
    var sum = Measurement()
    while sum.packets < packets {
      let ready = try side.prepare(packets - sum.packets)
      if ready == 0 { throw BenchFailure("there is no room for a single packet") }
      let (cpu, clock) = (cb_thread_nanoseconds(), monotonicNanoseconds())
      let moved = try side.move(ready)
      sum.nanoseconds += monotonicNanoseconds() - clock
      sum.cpuNanoseconds += cb_thread_nanoseconds() - cpu
      if moved.packets == 0 { throw BenchFailure("of \(ready) packets none arrived") }
      sum.packets += moved.packets
      sum.bytes += moved.bytes
      sum.roundTrips += moved.roundTrips
      sum.lost += max(0, ready - moved.packets)
    }
    return sum
  }
}
