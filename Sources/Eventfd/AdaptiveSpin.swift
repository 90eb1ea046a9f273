import LinkSystem

/// Decides whether an idle thread looks on for a while or goes to sleep. Spinning turns a wake-up of tens of microseconds
/// into none, but takes a CPU from whoever else needs it: so it spins only while recent waits were short.
///
/// Each spin in a row that ended without success has to be made up for by twice as many short sleeps. So traffic with
/// gaps a little too long for spinning costs almost nothing, and a link that traffic comes back to spins again soon.
package struct AdaptiveSpin {
  private let limit: UInt64
  /// Fruitless spins in a row.
  private var failures = 0
  /// Short sleeps to come before the next spin.
  private var penance = 0
  private var began: UInt64?
  /// Since the clock was read.
  private var looks = 0

  private static let mostFailures = 6
  private static let looksPerClock = 16

  /// `nanoseconds`: the longest spin; 0 never spins.
  package init(nanoseconds: UInt64) { limit = nanoseconds }

  /// There was something to do.
  @inline(__always) package mutating func succeeded() {
    if began == nil { return }
    began = nil
    failures = 0
  }

  /// Nothing to do: whether to look again at once.
  package mutating func shouldSpin() -> Bool {
    guard limit > 0, penance == 0 else { return false }
    guard let began else {
      self.began = monotonicNanoseconds()
      looks = 0
      return true
    }
    // Reading the clock costs as much as several looks at the queue.
    looks += 1
    if looks < Self.looksPerClock { return true }
    looks = 0
    if monotonicNanoseconds() &- began < limit { return true }
    failures = min(failures + 1, Self.mostFailures)
    penance = 1 << failures
    self.began = nil
    return false
  }

  /// What came of the last answer: so many cheap looks.
  @inline(__always) package mutating func looked(_ times: Int) { looks += times - 1 }

  /// The thread slept this long before something came. A sleep itself costs a few limits on a busy or virtual machine,
  /// so a short one may well be a wait that a spin would have covered.
  package mutating func slept(nanoseconds: UInt64) {
    began = nil
    if penance > 0, nanoseconds < 8 * limit { penance -= 1 }
  }
}
