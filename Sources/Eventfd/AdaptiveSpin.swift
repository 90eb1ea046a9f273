import LinkSystem

/// Decides whether an idle thread looks on for a while or goes to sleep. Spinning turns a wake-up of tens of microseconds
/// into none, but takes a CPU from whoever else needs it: so it spins only while recent waits were short, and one spin
/// that ended without success sends it to sleep until a short sleep shows that traffic is back.
package struct AdaptiveSpin {
  private let limit: UInt64
  private var isWorthwhile = true
  private var began: UInt64?
  private var turns = 0

  /// `nanoseconds`: the longest spin; 0 never spins.
  package init(nanoseconds: UInt64) { limit = nanoseconds }

  /// There was something to do.
  @inline(__always) package mutating func succeeded() { began = nil }

  /// Nothing to do: whether to look again at once.
  package mutating func shouldSpin() -> Bool {
    guard limit > 0, isWorthwhile else { return false }
    guard let began else {
      self.began = monotonicNanoseconds()
      turns = 0
      return true
    }
    // Reading the clock costs as much as several looks at the queue.
    turns += 1
    if turns % 16 != 0 || monotonicNanoseconds() &- began < limit { return true }
    isWorthwhile = false
    self.began = nil
    return false
  }

  /// The thread slept this long before something came. A sleep costs a few limits by itself.
  package mutating func slept(nanoseconds: UInt64) {
    isWorthwhile = nanoseconds < 2 * limit
    began = nil
  }
}
