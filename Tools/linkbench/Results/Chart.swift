/// Panels of one kind beside and below each other, with one legend and one caption.
struct Chart {
  struct Point {
    var x: Double
    var y: Double
    /// How far its rounds reach.
    var reach: ClosedRange<Double>?
  }

  /// A row of points. `style` is its colour and mark, 0 to 3; 0 is ours.
  struct Series {
    var name: String
    var style: Int
    var points: [Point]
    var hasMarks = true
  }

  struct Panel {
    var title: String
    var note: String?
    var x: ChartAxis
    var y: ChartAxis
    var series: [Series]
    /// A height that others are compared with.
    var level: Double?
  }

  var title: String
  /// What the bars are, and whatever else is to be known.
  var legendNote: String?
  var panels: [Panel]
  var columns: Int
  /// What was measured on, line by line.
  var caption: [String]

  private static let panelWidth = 480.0
  private static let panelHeight = 300.0
  private static let head = 58.0
  private static let inset = (left: 74.0, right: 26.0, top: 44.0, bottom: 48.0)

  var source: String {
    let rows = (panels.count + columns - 1) / columns
    let width = Double(columns) * Self.panelWidth
    // A line of the caption has room for so many letters.
    let lines = caption.flatMap { Self.wrapped($0, at: Int(width / 6.2)) }
    let height = Self.head + Double(rows) * Self.panelHeight + Double(lines.count) * 16 + 14
    var picture = SVG(width: width, height: height, title: title)
    picture.text(title, 16, 24, "title")
    legend(&picture)
    for (index, panel) in panels.enumerated() {
      let x = Double(index % columns) * Self.panelWidth
      let y = Self.head + Double(index / columns) * Self.panelHeight
      draw(panel, x, y, &picture)
    }
    for (index, line) in lines.enumerated() {
      picture.text(line, 16, Self.head + Double(rows) * Self.panelHeight + Double(index) * 16 + 12, "small")
    }
    return picture.source
  }

  private func legend(_ picture: inout SVG) {
    var x = 16.0
    for style in 0..<4 {
      guard let series = panels.lazy.flatMap(\.series).first(where: { $0.style == style }) else { continue }
      picture.path([(x, 44), (x + 34, 44)], "s\(style)")
      if series.hasMarks { picture.mark(Mark.allCases[style], x + 17, 44, "m\(style)") }
      picture.text(series.name, x + 40, 48)
      x += 40 + Self.extent(series.name) + 22
    }
    if let legendNote { picture.text(legendNote, x, 48, "small") }
  }

  private func draw(_ panel: Panel, _ x: Double, _ y: Double, _ picture: inout SVG) {
    let (left, right) = (x + Self.inset.left, x + Self.panelWidth - Self.inset.right)
    let (top, bottom) = (y + Self.inset.top, y + Self.panelHeight - Self.inset.bottom)
    func across(_ value: Double) -> Double { left + panel.x.position(value) * (right - left) }
    func up(_ value: Double) -> Double { bottom - panel.y.position(value) * (bottom - top) }

    picture.text(panel.title, left, y + 18, "title")
    if let note = panel.note { picture.text(note, left, y + 35, "small") }
    for tick in Self.apart(panel.y.ticks, by: 13, up) {
      picture.line(left, up(tick.value), right, up(tick.value), "grid")
      picture.text(tick.label, left - 7, up(tick.value) + 4, anchor: .end)
    }
    for tick in Self.apart(panel.x.ticks, by: 30, across) {
      picture.line(across(tick.value), top, across(tick.value), bottom, "grid")
      picture.text(tick.label, across(tick.value), bottom + 17, anchor: .middle)
    }
    if let level = panel.level { picture.line(left, up(level), right, up(level), "level") }
    picture.path([(left, top), (left, bottom), (right, bottom)], "frame")
    picture.text(panel.x.title, (left + right) / 2, bottom + 36, anchor: .middle)
    picture.text(panel.y.title, x + 15, (top + bottom) / 2, anchor: .middle, turned: true)

    // Ours last, on top.
    for (index, series) in panel.series.enumerated().sorted(by: { $0.element.style > $1.element.style }) {
      // A little beside each other, so that bars of the same size are told apart.
      let shift = series.hasMarks ? (Double(index) - Double(panel.series.count - 1) / 2) * 5 : 0
      let points = series.points.map { (x: across($0.x) + shift, y: up($0.y)) }
      picture.path(points, "s\(series.style)")
      guard series.hasMarks else { continue }
      for (point, place) in zip(series.points, points) {
        if let reach = point.reach {
          picture.line(place.x, up(reach.lowerBound), place.x, up(reach.upperBound), "b\(series.style)")
        }
        picture.mark(Mark.allCases[series.style], place.x, place.y, "m\(series.style)")
      }
    }
  }

  /// Leaves out what would be written over what was written before.
  private static func apart(
    _ ticks: [(value: Double, label: String)], by distance: Double, _ place: (Double) -> Double
  ) -> [(value: Double, label: String)] {
    var last: Double?
    return ticks.filter { tick in
      let here = place(tick.value)
      if let last, abs(here - last) < distance { return false }
      last = here
      return true
    }
  }

  /// About how wide a label is, in any of the fonts.
  private static func extent(_ text: String) -> Double { Double(text.count) * 7 }

  private static func wrapped(_ text: String, at count: Int) -> [String] {
    var lines = [""]
    for word in text.split(separator: " ") {
      if !lines[lines.count - 1].isEmpty, lines[lines.count - 1].count + word.count >= count { lines.append("") }
      lines[lines.count - 1] += (lines[lines.count - 1].isEmpty ? "" : " ") + word
    }
    return lines
  }
}
