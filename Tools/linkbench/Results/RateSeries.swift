/// The rates through shared memory by packet size: one panel for each direction and batch.
struct RateSeries {
  /// What a case is about: `shm/BASELINE/DIRECTION/BATCH/BYTES`, `gvisor/DIRECTION/BYTES` (batches of 32), or
  /// `demo/DIRECTION/BATCH/BYTES`.
  struct Place: Equatable {
    var baseline: String
    var direction: String
    var batch: Int
    var byteCount: Int

    init?(_ measured: MeasuredCase) {
      var parts = measured.parts
      if parts[0] == "demo" { parts.replaceSubrange(0..<1, with: ["shm", "plain"]) }
      if parts[0] == "gvisor", parts.count == 3 { parts = ["shm", "gvisor", parts[1], "32", parts[2]] }
      guard parts.count == 5, parts[0] == "shm", let batch = Int(parts[3]), let byteCount = Int(parts[4]) else {
        return nil
      }
      (baseline, direction, self.batch, self.byteCount) = (parts[1], parts[2], batch, byteCount)
    }

    var directionInWords: String { direction.replacing("-", with: " ") }
  }

  static let ours = "SharedMemLink"

  /// How people call a baseline, and which colour it has.
  static func look(_ baseline: String) -> (name: String, style: Int) {
    switch baseline {
    case "plain": ("plain C", 1)
    case "tuned": ("tuned C", 2)
    case "gvisor": ("gVisor", 3)
    default: (baseline, 3)
    }
  }

  private let rows: [(place: Place, measured: MeasuredCase)]
  private let machines: [String]

  init(_ results: Results) {
    rows = results.cases.filter { $0.parts[0] != "demo" }.compactMap { measured in
      Place(measured).map { ($0, measured) }
    }
    machines = results.machines
  }

  var isEmpty: Bool { rows.isEmpty }

  // MARK: Pictures

  var packets: String {
    chart(
      "Packets a second through shared memory", legendNote: "Bars: slowest to fastest round.",
      { .logarithmic("packets/s", $0, label: ChartAxis.rate) }
    ) { $0.lines { rate, _ in rate } }
  }

  var bits: String {
    chart(
      "Gbit/s through shared memory", legendNote: "Bars: slowest to fastest round.", { .linear("Gbit/s", $0) }
    ) { $0.lines { rate, byteCount in rate * Double(byteCount) * 8 / 1e9 } }
  }

  /// Pair by pair: what the other two cannot show where the machine was slower at one time than at another.
  var ratios: String {
    chart(
      "Packets a second, ours by those of each baseline, in alternating pairs",
      legendNote: "More is better; the line: as fast. Bars: least to most of all pairs.", level: 1,
      { .logarithmic("ratio", $0 + [1]) }
    ) { $0.ratioLines }
  }

  private func chart(
    _ title: String, legendNote: String, level: Double? = nil, _ axis: ([Double]) -> ChartAxis,
    _ lines: (RateSeries) -> [Chart.Series]
  ) -> String {
    let sizes = rows.map { Double($0.place.byteCount) }
    let all = lines(self).flatMap(\.points).flatMap {
      [$0.y, $0.reach?.lowerBound ?? $0.y, $0.reach?.upperBound ?? $0.y]
    }
    let directions = distinct(\.direction)
    let panels = distinct(\.batch).sorted().flatMap { batch in
      directions.map { direction in
        let here = RateSeries(rows.filter { $0.place.batch == batch && $0.place.direction == direction }, machines)
        return Chart.Panel(
          title: "\(here.rows.first?.place.directionInWords ?? ""), \(batch) a write",
          x: .logarithmic("bytes of a packet", only: sizes), y: axis(all), series: lines(here), level: level)
      }
    }
    return Chart(
      title: title, legendNote: legendNote, panels: panels, columns: directions.count, caption: machines
    ).source
  }

  private init(_ rows: [(place: Place, measured: MeasuredCase)], _ machines: [String]) {
    (self.rows, self.machines) = (rows, machines)
  }

  private func distinct<Value: Equatable>(_ key: (Place) -> Value) -> [Value] {
    rows.reduce(into: []) { values, row in
      let value = key(row.place)
      if !values.contains(value) { values.append(value) }
    }
  }

  // MARK: Lines

  /// Ours once, of the runs beside all baselines together, and each baseline.
  private func lines(_ unit: (Double, Int) -> Double) -> [Chart.Series] {
    func series(_ name: String, _ style: Int, _ chosen: [(place: Place, side: MeasuredCase.Side)]) -> Chart.Series {
      let sizes = Set(chosen.map(\.place.byteCount)).sorted()
      let points = sizes.compactMap { size -> Chart.Point? in
        let rates = chosen.filter { $0.place.byteCount == size }.compactMap(\.side.packetsPerSecond)
        guard let least = rates.map(\.least).min(), let most = rates.map(\.most).max() else { return nil }
        return Chart.Point(
          x: Double(size), y: unit(Summary(rates.map(\.median)).median, size),
          reach: unit(least, size)...unit(most, size))
      }
      return Chart.Series(name: name, style: style, points: points)
    }
    let baselines = distinct(\.baseline).map { baseline in
      let look = Self.look(baseline)
      return series(
        look.name, look.style, rows.filter { $0.place.baseline == baseline }.map { ($0.place, $0.measured.baseline) })
    }
    return [series(Self.ours, 0, rows.map { ($0.place, $0.measured.ours) })] + baselines
  }

  private var ratioLines: [Chart.Series] {
    distinct(\.baseline).map { baseline in
      let look = Self.look(baseline)
      let chosen = rows.filter { $0.place.baseline == baseline }.sorted { $0.place.byteCount < $1.place.byteCount }
      return Chart.Series(
        name: "by \(look.name)", style: look.style,
        points: chosen.map { place, measured in
          let ratio = measured.ratio
          return Chart.Point(x: Double(place.byteCount), y: ratio.median, reach: ratio.least...ratio.most)
        })
    }
  }
}
