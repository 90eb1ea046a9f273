import Foundation

/// One side of a chart: which number is where, and which are written beside it.
struct ChartAxis {
  /// Its name, with the unit.
  var title: String
  var ticks: [(value: Double, label: String)]
  private let scale: (Double) -> Double
  private let range: ClosedRange<Double>

  /// From 0 to 1 over its length.
  func position(_ value: Double) -> Double {
    let scaled = min(max(scale(value), range.lowerBound), range.upperBound)
    return (scaled - range.lowerBound) / (range.upperBound - range.lowerBound)
  }

  /// From 0 on, in even steps.
  static func linear(_ title: String, _ values: [Double]) -> ChartAxis {
    let most = max(values.max() ?? 1, 1e-9)
    let rough = most / 5
    let power = pow(10, (log10(rough)).rounded(.down))
    let step = power * ([1, 2, 2.5, 5, 10].first { $0 * power >= rough * 0.999 } ?? 10)
    let count = Int((most / step).rounded(.up))
    let ticks = (0...count).map { (Double($0) * step, plain(Double($0) * step)) }
    return ChartAxis(title: title, ticks: ticks, scale: { $0 }, range: 0...(Double(count) * step))
  }

  /// The same distance for the same ratio.
  static func logarithmic(
    _ title: String, _ values: [Double], label: (Double) -> String = plain
  ) -> ChartAxis {
    let values = values.filter { $0 > 0 }
    let (least, most) = (values.min() ?? 1, values.max() ?? 10)
    let decades = log10(most / least)
    let powers = Int(log10(least).rounded(.down)) - 1...Int(log10(most).rounded(.up)) + 1
    func steps(_ digits: [Double]) -> [Double] {
      powers.flatMap { power in digits.map { $0 * pow(10, Double(power)) } }
    }
    let fine = steps(decades < 0.8 ? [1, 1.5, 2, 3, 4, 5, 6, 8] : [1, 2, 5])
    let low = fine.last { $0 <= least * 1.0001 } ?? least
    let high = fine.first { $0 >= most * 0.9999 && $0 > low } ?? most
    let named = (decades < 3 ? fine : steps([1])).filter { $0 >= low * 0.9999 && $0 <= high * 1.0001 }
    return ChartAxis(
      title: title, ticks: named.map { ($0, label($0)) }, scale: { log10(max($0, low)) },
      range: log10(low)...log10(high))
  }

  /// These values, and nothing between them is named: a little space on both sides.
  static func logarithmic(_ title: String, only values: [Double]) -> ChartAxis {
    let sorted = Set(values).sorted()
    let (least, most) = (log2(sorted.first ?? 1), log2(sorted.last ?? 2))
    let space = max(0.5, (most - least) * 0.05)
    return ChartAxis(
      title: title, ticks: sorted.map { ($0, plain($0)) }, scale: { log2(max($0, 1)) },
      range: (least - space)...(most + space))
  }

  /// Shares of a whole up to 99.9 %, with as much space for each further nine.
  static func nines(_ title: String) -> ChartAxis {
    let ticks = [(0.5, "50 %"), (0.9, "90 %"), (0.99, "99 %"), (0.999, "99.9 %")]
    return ChartAxis(title: title, ticks: ticks, scale: { -log10(max(1 - $0, 1e-3)) }, range: 0...3)
  }

  // MARK: Numbers

  /// Without zeros that say nothing.
  static func plain(_ value: Double) -> String {
    var text = String(format: "%.3f", value)
    while text.hasSuffix("0") { text.removeLast() }
    if text.hasSuffix(".") { text.removeLast() }
    return text
  }

  /// Thousands and millions by their letters.
  static func rate(_ value: Double) -> String {
    value >= 1e6 ? plain(value / 1e6) + " M" : value >= 1e3 ? plain(value / 1e3) + " k" : plain(value)
  }

  /// Of microseconds.
  static func time(_ value: Double) -> String { value >= 1e3 ? plain(value / 1e3) + " ms" : plain(value) + " µs" }
}
