import LinkSystem

/// Keeps a receiver some packets behind its sender. One that looks as often as it can meets the sender at the packet that is
/// just being written: its cache lines go to and fro for each packet, which takes both sides longer than the packet does.
/// So where packets come one at a time to a receiver that looks for them, it lets some more come before it takes any.
///
/// That pays only if they do come. A peer that waits for an answer sends none meanwhile: so each wait in vain has to be made
/// up for by turns without one, twice as many each time, and a conversation of single packets loses next to nothing.
package struct TemporalSlip: Sendable {
  /// How many turns that could have waited go by before the next wait. 0: each waits.
  private var turnsLeft = Self.fewestTurns
  /// What `turnsLeft` becomes after the next wait in vain.
  private var penance = Self.fewestTurns
  private var wasIdle = false

  private static let fewestTurns = 16
  package static let mostTurns = 4096
  /// So many packets have to be there after a wait, or it was in vain.
  package static let worthwhile = 4
  /// How long a wait is.
  private static let nanoseconds: UInt64 = 1000

  package init() {}

  /// Whether to wait if there are packets, but fewer than `worthwhile`: there were none in the turn before.
  @inline(__always) package var isDue: Bool { wasIdle && turnsLeft == 0 }

  @inline(never) static func wait() {
    let end = monotonicNanoseconds() &+ nanoseconds
    repeat { for _ in 0..<4 { spinPause() } } while monotonicNanoseconds() < end
  }

  /// What a turn has found, and whether it had waited for it.
  @inline(__always) package mutating func found(_ count: Int, hasWaited: Bool) {
    if hasWaited || (wasIdle && count > 0) { judge(count, hasWaited) }
    wasIdle = count == 0
  }

  /// It does not look for packets for a while, or has nowhere to put them: the next turn that finds some shows nothing.
  package mutating func pause() { wasIdle = false }

  @inline(never) private mutating func judge(_ count: Int, _ hasWaited: Bool) {
    if !hasWaited {
      // Packets that come together anyway show nothing.
      if count < Self.worthwhile { turnsLeft = max(turnsLeft - 1, 0) }
    } else if count >= Self.worthwhile {
      penance = Self.fewestTurns
    } else {
      turnsLeft = penance
      penance = min(2 * penance, Self.mostTurns)
    }
  }
}
