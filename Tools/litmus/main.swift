import Glibc
import LinkTestSupport

/// Whether the fences of the two handshakes do their work, and whether the test of them would notice if they did not:
/// ends with 0 if no wake-up was lost with them, and at least one without. Build it for release.
let rounds = 2_000_000
let seed = UInt64.random(in: 1...UInt64.max)
print("seed \(seed)")

/// Whether the handshake lost nothing with fences, and something without.
func holds<Fenced: LitmusHandshake, Fenceless: LitmusHandshake>(
  _ name: String, _ fenced: HandshakeLitmus<Fenced>, _ fenceless: () -> HandshakeLitmus<Fenceless>
) throws -> Bool {
  let lost = try fenced.run(rounds: rounds, seed: seed)
  print("\(name) with fences: \(lost.failures) wake-ups lost in \(lost.played) rounds")
  // On a busy machine the two threads may hardly ever run at the same time: then a run shows nothing, and another one may.
  var without = (played: 0, failures: 0)
  for run in 0..<20 as Range<UInt64> where without.failures == 0 {
    let result = try fenceless().run(rounds: rounds, seed: seed &+ run)
    without.played += result.played
    without.failures += result.failures
  }
  print("\(name) without: \(without.failures) wake-ups lost in \(without.played) rounds")
  return lost.failures == 0 && without.failures > 0
}

let bell = try holds("bell", HandshakeLitmus { BellHandshake($0) }) {
  HandshakeLitmus { BellHandshake(FencelessMemory($0)) }
}
let room = try holds("room", HandshakeLitmus { RoomHandshake($0) }) {
  HandshakeLitmus { RoomHandshake(FencelessMemory($0)) }
}
exit(bell && room ? 0 : 1)
