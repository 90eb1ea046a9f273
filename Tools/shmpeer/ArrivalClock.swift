import LinkSystem

/// When packets came, and how many by then. The exact clock costs as much as a small packet does, so it is looked at only when the
/// coarse one, which costs next to nothing, has moved on (some milliseconds), and at each of the first deliveries.
struct ArrivalClock {
  private static let exactDeliveries = 64

  private var firstAt: UInt64 = 0
  private var exactAt: UInt64 = 0
  private var deliveries = 0
  /// How many packets and bytes had come when the exact clock was looked at last: what a rate is about.
  private(set) var rated: (packets: UInt64, bytes: UInt64) = (0, 0)
  /// When the last ones came, by the coarse clock; 0: never. Comparable with `monotonicNanoseconds`.
  private(set) var lastArrival: UInt64 = 0

  /// From the first delivery to the last look at the exact clock.
  var seconds: Double { Double(exactAt - firstAt) / 1e9 }

  /// A delivery, with which so many have come in all. `isLast`: no other one counts.
  @inline(__always)
  mutating func note(packets: UInt64, bytes: UInt64, isLast: Bool = false) {
    let now = coarseNanoseconds()
    if now == lastArrival, deliveries >= Self.exactDeliveries, !isLast { return }
    lastArrival = now
    deliveries &+= 1
    exactAt = monotonicNanoseconds()
    if firstAt == 0 { firstAt = exactAt }
    rated = (packets, bytes)
  }
}
