import Foundation

/// How long round trips took: one panel for each way of waiting, from the median to the slowest.
struct LatencySeries {
  private let cases: [MeasuredCase]
  private let machines: [String]

  init(_ results: Results) {
    cases = results.cases.filter { $0.ours.roundTrip != nil && $0.baseline.roundTrip != nil }
    machines = results.machines
  }

  var isEmpty: Bool { cases.isEmpty }

  var source: String {
    Chart(
      title: "Round trips of single packets", legendNote: "Lines are straight between 99 and 99.9 %.",
      panels: cases.map(panel), columns: min(2, cases.count), caption: machines
    ).source
  }

  private func panel(_ measured: MeasuredCase) -> Chart.Panel {
    // Ours last: that is how the baseline's name is known.
    let sides = [
      (Self.baselineName(measured), Self.style(measured), measured.baseline), (RateSeries.ours, 0, measured.ours),
    ]
    let series = sides.compactMap { name, style, side in
      side.roundTrip.map { Chart.Series(name: name, style: style, points: Self.points($0), hasMarks: false) }
    }
    let notes = sides.compactMap { name, style, side in
      side.roundTrip.map { trip in
        let times = [trip.p50, trip.distribution.last ?? 0].map { ChartAxis.time(Self.twoDigits($0 / 1000)) }
        return "\(style == 0 ? "ours" : name) median \(times[0]), slowest \(times[1])"
      }
    }
    return Chart.Panel(
      title: measured.parts.dropFirst().joined(separator: ", ") + " bytes",
      note: notes.joined(separator: "; "),
      x: .nines("round trips that took no longer"),
      y: .logarithmic("there and back", series.flatMap(\.points).map(\.y), label: ChartAxis.time), series: series)
  }

  /// As many as a note needs.
  private static func twoDigits(_ value: Double) -> Double {
    value <= 0 ? 0 : (value / scale(value)).rounded() * scale(value)
  }
  private static func scale(_ value: Double) -> Double { pow(10, log10(value).rounded(.down) - 1) }

  /// What C does the same without a word for it in the case's name.
  static func baselineName(_ measured: MeasuredCase) -> String {
    measured.parts.contains("gvisor") ? RateSeries.look("gvisor").name : "C"
  }
  private static func style(_ measured: MeasuredCase) -> Int { measured.parts.contains("gvisor") ? 3 : 1 }

  /// Up to 99.9 %: the slowest of all says more of the machine.
  private static func points(_ trip: Percentiles) -> [Chart.Point] {
    let steps = Double(max(1, trip.distribution.count - 1))
    let points = trip.distribution.dropLast().enumerated().map { (share: Double($0) / steps, time: $1) }
    return (points + [(0.999, trip.p99_9)]).map { Chart.Point(x: $0.share, y: $0.time / 1000) }
  }
}
