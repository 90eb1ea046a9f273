import Foundation
import LinkTestSupport

/// Results for people, in Markdown, line by line as they come; or all at once for programs.
enum Table {
  static let header = """
    | case | baseline, ns of CPU | ours, ns of CPU | ratio (min–max) | target | baseline, packets/s | ours, packets/s |
    | --- | ---: | ---: | ---: | ---: | ---: | ---: |
    """

  static func row(_ result: CaseResult) -> String {
    let ratio = result.ratio
    if let baseline = result.baseline.roundTrip, let ours = result.ours.roundTrip {
      func times(_ trip: Percentiles) -> String {
        [trip.p50, trip.p99, trip.p99_9].map { text($0 / 1000, 2) }.joined(separator: " / ") + " µs"
      }
      return "| \(result.name) | \(times(baseline)) | \(times(ours)) "
        + "| \(text(ratio.median, 2)) (\(text(ratio.least, 2))–\(text(ratio.most, 2))) | \(target(result)) | | |"
    }
    let cells = [
      result.name, cpu(result.baseline), cpu(result.ours),
      "\(text(ratio.median, 2)) (\(text(ratio.least, 2))–\(text(ratio.most, 2)))", target(result),
      rate(result.baseline), rate(result.ours),
    ]
    return "| " + cells.joined(separator: " | ") + " |"
  }

  private static func target(_ result: CaseResult) -> String {
    result.target.map { "\(text($0, 2)) \(result.met == true ? "met" : "missed")" } ?? ""
  }

  static let idleHeader = """
    | silent link | per cent of a processor, both ends | target |
    | --- | ---: | ---: |
    """

  static func row(_ idle: IdleResult) -> String {
    "| \(idle.name) | \(text(idle.cpuPercent, 3)) | \(text(idle.target, 2)) \(idle.met ? "met" : "missed") |"
  }

  /// On one line.
  static func json(_ report: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(report), as: UTF8.self)
  }

  private static func cpu(_ side: CaseResult.Side) -> String {
    let lost = side.lost == 0 ? "" : ", \(side.lost) lost"
    if side.cpuNanosecondsPerPacket.median == 0 { return lost }
    return text(side.cpuNanosecondsPerPacket.median, side.cpuNanosecondsPerPacket.median < 100 ? 1 : 0) + lost
  }

  private static func rate(_ side: CaseResult.Side) -> String { text(side.packetsPerSecond.median / 1e6, 2) + " M" }

  static func text(_ number: Double, _ places: Int) -> String {
    number.formatted(.number.precision(.fractionLength(places)).grouping(.never).locale(Locale(identifier: "en_US")))
  }
}
