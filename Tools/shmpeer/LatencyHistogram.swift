/// Counts durations in buckets that are 1/64 of their value wide or narrower: percentiles of any number of them, in a
/// fixed amount of memory.
struct LatencyHistogram: Sendable {
  private static let fraction: UInt64 = 64
  // 64 buckets for each power of two from 2^6 up to 2^63, and 64 for the values below.
  private var buckets = [UInt64](repeating: 0, count: 64 * 59)
  private(set) var count: UInt64 = 0

  mutating func add(nanoseconds: UInt64) {
    buckets[Self.index(nanoseconds)] += 1
    count += 1
  }

  /// The value in nanoseconds that a share of all values, 0 to 1, does not exceed; 0 without any.
  func percentile(_ share: Double) -> UInt64 {
    guard count > 0 else { return 0 }
    let rank = min(max(UInt64((share * Double(count)).rounded(.up)), 1), count)
    var seen: UInt64 = 0
    for (index, amount) in buckets.enumerated() {
      seen += amount
      if seen >= rank { return Self.middle(index) }
    }
    return 0
  }

  private static func index(_ value: UInt64) -> Int {
    if value < fraction { return Int(value) }
    let shift = 57 - value.leadingZeroBitCount
    return (shift + 1) * 64 + Int(value >> UInt64(shift) & 63)
  }

  private static func middle(_ index: Int) -> UInt64 {
    if index < 64 { return UInt64(index) }
    let shift = UInt64(index / 64 - 1)
    return (fraction + UInt64(index % 64)) << shift + (1 << shift) / 2
  }
}

extension LatencyHistogram {
  /// `{"p50":…,"p99":…,"p99_9":…}` in microseconds.
  var json: JSONLine {
    var line = JSONLine()
    for (key, share) in [("p50", 0.5), ("p99", 0.99), ("p99_9", 0.999)] {
      line[key] = .number(Double(percentile(share)) / 1000)
    }
    return line
  }
}
