import Foundation

/// The page of results: everything that was measured, with what was aimed at.
struct Page {
  let results: Results
  /// The folder of the pictures, as the page links to them.
  let folder: String

  var source: String {
    var parts = [
      """
      # Results

      Written by `linkbench page` from what it measured; `Tools/check results` measures anew. [Benchmarks.md](Benchmarks.md) tells
      what the cases are and how to read them, [Speed.md](Speed.md) why the figures are as they are.

      """
    ]
    parts += results.machines.map { "Measured on \($0)." }
    parts += ["", aims]
    var groups: [String] = []
    for measured in results.cases where !groups.contains(measured.parts[0]) { groups.append(measured.parts[0]) }
    for group in groups { parts += ["", section(group, results.cases.filter { $0.parts[0] == group })] }
    for table in results.tables { parts += ["", "## \(Self.words(table.name, isTitle: true))", "", Self.rows(table)] }
    return parts.joined(separator: "\n") + "\n"
  }

  // MARK: Aims

  private var aims: String {
    let aimed = results.cases.filter { $0.target != nil }
    // Rows of other tables say themselves whether they reach what they are to.
    let others = results.tables.flatMap(\.rows).compactMap { row -> (name: String, isMet: Bool)? in
      guard case .flag(let isMet)? = row["met"], case .text(let name)? = row["name"] else { return nil }
      return (name, isMet)
    }
    let missed =
      aimed.filter { !$0.isMet }.map { "- `\($0.name)`: \($0.ratioText), aim \($0.aimText)" }
      + others.filter { !$0.isMet }.map { "- `\($0.name)`: see its row" }
    let count = aimed.count + others.count
    var lines = ["## Aims", ""]
    if count == 0 { return (lines + ["The run says nothing of aims."]).joined(separator: "\n") }
    lines.append("Of \(count) aims \(count - missed.count) are met\(missed.isEmpty ? "." : ", and these are not:")")
    if !missed.isEmpty { lines += [""] + missed }
    return lines.joined(separator: "\n")
  }

  // MARK: Sections

  private func section(_ group: String, _ cases: [MeasuredCase]) -> String {
    let pictures = Plot.pictures(results).map(\.name)
    func shown(_ names: [(file: String, alternative: String)]) -> [String] {
      names.filter { pictures.contains($0.file) }.flatMap { ["![\($0.alternative)](\(folder)/\($0.file))", ""] }
    }
    switch group {
    case "shm":
      return
        (["## Rates through shared memory", ""]
        + shown([
          ("rate-packets.svg", "Packets a second over the size of packets"),
          ("rate-bits.svg", "Gbit/s over the size of packets"), ("ratio.svg", "Ratios over the size of packets"),
        ]) + [rates(cases)]).joined(separator: "\n")
    case "gvisor": return ["## Rates beside gVisor", "", rates(cases)].joined(separator: "\n")
    case "demo": return ["## What `shmpeer demo --check none` shows", "", rates(cases)].joined(separator: "\n")
    case "round-trip":
      let picture = shown([("latency.svg", "Distributions of round trips")])
      return (["## Round trips", ""] + picture + [roundTrips(cases)]).joined(separator: "\n")
    default:
      let titles = ["receive": "Receiving by a descriptor", "send": "Sending by a descriptor", "live": "Both at once"]
      return ["## \(titles[group] ?? Self.words(group, isTitle: true))", "", cpu(cases)].joined(separator: "\n")
    }
  }

  private func rates(_ cases: [MeasuredCase]) -> String {
    PageTable(
      ["beside", "direction", "a write", "-bytes", "-theirs, packets/s", "-ours, packets/s", "-ours, Gbit/s"]
        + Self.ends
    )
    .rows(
      cases.map { measured in
        let place = RateSeries.Place(measured)
        let ours = measured.ours.packetsPerSecond?.median
        return [
          place.map { RateSeries.look($0.baseline).name } ?? measured.name, place?.directionInWords ?? "",
          place.map { "\($0.batch)" } ?? "", place.map { "\($0.byteCount)" } ?? "",
          Self.rate(measured.baseline), Self.rate(measured.ours),
          ours.flatMap { ours in place.map { number(ours * Double($0.byteCount) * 8 / 1e9, 1) } } ?? "",
        ] + measured.ends
      })
  }

  private func roundTrips(_ cases: [MeasuredCase]) -> String {
    func times(_ trip: Percentiles?) -> String {
      guard let trip else { return "" }
      return [trip.p50, trip.p99, trip.p99_9].map { number($0 / 1000, 2) }.joined(separator: " / ")
    }
    return PageTable(["case", "-theirs, p50 / p99 / p99.9, µs", "-ours"] + Self.ends).rows(
      cases.map { ["\($0.name)", times($0.baseline.roundTrip), times($0.ours.roundTrip)] + $0.ends })
  }

  private func cpu(_ cases: [MeasuredCase]) -> String {
    func time(_ side: MeasuredCase.Side) -> String {
      let lost = side.lost.flatMap { $0 > 0 ? ", \($0) lost" : nil } ?? ""
      return side.cpuNanosecondsPerPacket.map { number($0.median, $0.median < 100 ? 1 : 0) + lost } ?? ""
    }
    return PageTable(
      ["case", "-theirs, ns of CPU", "-ours, ns of CPU", "-theirs, packets/s", "-ours, packets/s"] + Self.ends
    ).rows(
      cases.map { [$0.name, time($0.baseline), time($0.ours), Self.rate($0.baseline), Self.rate($0.ours)] + $0.ends })
  }

  private static let ends = ["-ratio (min–max)", "-pairs", "aim", ""]

  private static func rate(_ side: MeasuredCase.Side) -> String {
    side.packetsPerSecond.map { number($0.median / 1e6, 2) + " M" } ?? ""
  }

  // MARK: What else a run has

  private static func rows(_ table: ExtraTable) -> String {
    // An end's own figures become columns.
    let rows = table.rows.map { row in
      row.reduce(into: [String: JSONValue]()) { flat, entry in
        guard case .object(let inner) = entry.value else { return flat[entry.key] = entry.value }
        for (key, value) in inner { flat["\(entry.key): \(key)"] = value }
      }
    }
    let keys = ["name"] + Set(rows.flatMap(\.keys)).subtracting(["name"]).sorted()
    let titles = ["case"] + keys.dropFirst().map { "-" + words($0) }
    return PageTable(titles).rows(rows.map { row in keys.map { row[$0]?.cell ?? "" } })
  }

  /// `allocationsPerPacket`: "allocations per packet".
  private static func words(_ name: String, isTitle: Bool = false) -> String {
    var text = ""
    for letter in name {
      if letter.isUppercase { text += " " }
      text += letter == "-" || letter == "_" ? " " : letter.lowercased()
    }
    return isTitle ? text.prefix(1).uppercased() + text.dropFirst() : text
  }
}

/// A table in Markdown. A title that begins with "-" has its numbers on the right.
struct PageTable {
  private let titles: [String]
  init(_ titles: [String]) { self.titles = titles }

  func rows(_ rows: [[String]]) -> String {
    let header = titles.map { $0.hasPrefix("-") ? String($0.dropFirst()) : $0 }
    let rule = titles.map { $0.hasPrefix("-") ? "---:" : "---" }
    return ([header, rule] + rows).map { "| " + $0.joined(separator: " | ") + " |" }.joined(separator: "\n")
  }
}

extension MeasuredCase {
  var isMet: Bool { met ?? target.map { ratio.median >= $0 } ?? true }
  var ratioText: String { "\(number(ratio.median, 3)) (\(number(ratio.least, 2))–\(number(ratio.most, 2)))" }
  var aimText: String { target.map { "≥ \(ChartAxis.plain($0))" } ?? "" }

  private var verdict: String {
    if target == nil { return "" }
    return isMet ? "met" : "**not met**"
  }

  fileprivate var ends: [String] {
    [ratioText, pairs.map { "\($0)" } ?? "", aimText, verdict]
  }
}

extension JSONValue {
  /// As a table shows it.
  fileprivate var cell: String {
    switch self {
    case .null: ""
    case .flag(let flag): flag ? "yes" : "no"
    case .number(let value): ChartAxis.plain(value)
    case .text(let text): text
    case .list(let values): values.map(\.cell).joined(separator: ", ")
    case .object(let object):
      object.sorted { $0.key < $1.key }.map { "\($0.key) \($0.value.cell)" }.joined(separator: ", ")
    }
  }
}

private func number(_ value: Double, _ places: Int) -> String { String(format: "%.\(places)f", value) }
