import Glibc
import LinkTestSupport

/// Whether the fences of the bell's handshake do their work, and whether the test of them would notice if they did not:
/// ends with 0 if no wake-up was lost with them, and at least one without. Build it for release.
let rounds = 2_000_000
let seed = UInt64.random(in: 1...UInt64.max)
print("seed \(seed)")

let fenced = try BellLitmus { $0 }.run(rounds: rounds, seed: seed)
print("with fences: \(fenced.failures) wake-ups lost in \(fenced.played) rounds")

// On a busy machine the two threads may hardly ever run at the same time: then a run shows nothing, and another one may.
var fenceless = (played: 0, failures: 0)
for run in 0..<20 as Range<UInt64> where fenceless.failures == 0 {
  let result = try BellLitmus(FencelessMemory.init).run(rounds: rounds, seed: seed &+ run)
  fenceless.played += result.played
  fenceless.failures += result.failures
}
print("without: \(fenceless.failures) wake-ups lost in \(fenceless.played) rounds")

exit(fenced.failures == 0 && fenceless.failures > 0 ? 0 : 1)
