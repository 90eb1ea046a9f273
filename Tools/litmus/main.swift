import Glibc
import LinkTestSupport

/// Whether the fences of the bell's handshake do their work, and whether the test of them would notice if they did not:
/// ends with 0 if no wake-up was lost with them, and at least one without. Build it for release.
let rounds = 2_000_000
let seed = UInt64.random(in: 1...UInt64.max)
print("seed \(seed)")

let fenced = try BellLitmus { $0 }.run(rounds: rounds, seed: seed)
print("with fences: \(fenced.failures) wake-ups lost in \(fenced.played) rounds")

let fenceless = try BellLitmus(FencelessMemory.init).run(rounds: rounds, seed: seed)
print("without: \(fenceless.failures) wake-ups lost in \(fenceless.played) rounds")

exit(fenced.failures == 0 && fenceless.failures > 0 ? 0 : 1)
