import LinkTestSupport

/// The middle of several numbers, and how far they reach.
struct Summary: Equatable, Codable {
  var median: Double
  var least: Double
  var most: Double

  /// Of one number at least.
  init(_ values: [Double]) {
    let sorted = values.sorted()
    let middle = sorted.count / 2
    median = sorted.count % 2 == 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2
    least = sorted[0]
    most = sorted[sorted.count - 1]
  }
}

/// How long round trips took, in nanoseconds.
struct Percentiles: Equatable, Codable {
  var p50, p99, p99_9: Double
  /// At 0, 1, …, 100 per cent: the whole distribution.
  var distribution: [Double]

  /// Of one number at least.
  init(_ values: [UInt64]) {
    let sorted = values.sorted()
    func at(_ share: Double) -> Double { Double(sorted[Int((share * Double(sorted.count - 1)).rounded())]) }
    (p50, p99, p99_9) = (at(0.5), at(0.99), at(0.999))
    distribution = (0...100).map { at(Double($0) / 100) }
  }
}

/// What the pairs of a case came to.
struct CaseResult: Equatable, Codable {
  struct Side: Equatable, Codable {
    var cpuNanosecondsPerPacket: Summary
    var packetsPerSecond: Summary
    var packets: Int
    var lost: Int
    /// Of all rounds together.
    var roundTrip: Percentiles?

    init(_ rounds: [Measurement]) {
      cpuNanosecondsPerPacket = Summary(rounds.map(\.cpuPerPacket))
      packetsPerSecond = Summary(rounds.map(\.packetsPerSecond))
      packets = rounds.reduce(0) { $0 + $1.packets }
      lost = rounds.reduce(0) { $0 + $1.lost }
      let roundTrips = rounds.flatMap(\.roundTrips)
      if !roundTrips.isEmpty { roundTrip = Percentiles(roundTrips) }
    }
  }

  var name: String
  var pairs: Int
  var baseline: Side
  var ours: Side
  /// Packets per second, ours by the baseline's, pair by pair: 1 is as good, more is better. Of CPU time, or by the clock.
  var ratio: Summary
  /// The least that the ratio's median is to be, and whether it is. Nil: the case is there to look at.
  var target: Double?
  var met: Bool?

  init(name: String, isByClock: Bool = false, _ rounds: [(baseline: Measurement, ours: Measurement)]) {
    self.name = name
    pairs = rounds.count
    baseline = Side(rounds.map(\.baseline))
    ours = Side(rounds.map(\.ours))
    func time(_ measured: Measurement) -> Double { isByClock ? measured.timePerPacket : measured.cpuPerPacket }
    ratio = Summary(rounds.map { time($0.baseline) / time($0.ours) })
    target = Target.ofRatio(name)
    met = target.map { ratio.median >= $0 }
  }
}

/// All that a run came to.
struct BenchReport: Codable, Equatable {
  var machine: Hardware
  var cases: [CaseResult] = []
  var idle: [IdleResult] = []
  /// Of a run without chosen cases.
  var costs: [Costs] = []
}
