import Foundation

/// A picture, shape by shape. Colours follow the reader's: it has a background of its own, so that it is legible wherever it
/// is shown.
struct SVG {
  enum Anchor: String { case start, middle, end }

  let width: Double
  let height: Double
  private let title: String
  private var shapes: [String] = []

  /// `title` is read out to whoever does not see the picture.
  init(width: Double, height: Double, title: String) {
    (self.width, self.height, self.title) = (width, height, title)
  }

  mutating func line(_ x1: Double, _ y1: Double, _ x2: Double, _ y2: Double, _ style: String) {
    shapes.append(
      "<line class=\"\(style)\" x1=\"\(n(x1))\" y1=\"\(n(y1))\" x2=\"\(n(x2))\" y2=\"\(n(y2))\"/>")
  }

  /// Straight from point to point; one alone is no line.
  mutating func path(_ points: [(x: Double, y: Double)], _ style: String) {
    guard points.count > 1 else { return }
    let text = points.map { "\(n($0.x)),\(n($0.y))" }.joined(separator: " ")
    shapes.append("<polyline class=\"\(style)\" points=\"\(text)\"/>")
  }

  mutating func mark(_ shape: Mark, _ x: Double, _ y: Double, _ style: String) {
    let corners = shape.corners.map { "\(n(x + $0.0)),\(n(y + $0.1))" }.joined(separator: " ")
    shapes.append(
      corners.isEmpty
        ? "<circle class=\"\(style)\" cx=\"\(n(x))\" cy=\"\(n(y))\" r=\"3.2\"/>"
        : "<polygon class=\"\(style)\" points=\"\(corners)\"/>")
  }

  /// `turned`: read from below.
  mutating func text(
    _ text: String, _ x: Double, _ y: Double, _ style: String = "label", anchor: Anchor = .start, turned: Bool = false
  ) {
    let turn = turned ? " transform=\"rotate(-90 \(n(x)) \(n(y)))\"" : ""
    shapes.append(
      "<text class=\"\(style)\" x=\"\(n(x))\" y=\"\(n(y))\" text-anchor=\"\(anchor.rawValue)\"\(turn)>"
        + "\(Self.escaped(text))</text>")
  }

  var source: String {
    let size = "width=\"\(n(width))\" height=\"\(n(height))\" viewBox=\"0 0 \(n(width)) \(n(height))\""
    return """
      <svg xmlns="http://www.w3.org/2000/svg" \(size) role="img">
      <title>\(Self.escaped(title))</title>
      <style>
      \(Self.style)
      </style>
      <rect class="paper" width="100%" height="100%"/>
      \(shapes.joined(separator: "\n"))
      </svg>

      """
  }

  private func n(_ number: Double) -> String {
    let text = String(format: "%.1f", number)
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  private static func escaped(_ text: String) -> String {
    text.replacing("&", with: "&amp;").replacing("<", with: "&lt;").replacing(">", with: "&gt;")
  }

  /// Colours that people who confuse red and green tell apart; marks and dashes say the same once more.
  private static let style = """
    text { font-family: system-ui, "Segoe UI", Helvetica, Arial, "DejaVu Sans", sans-serif; fill: #1f2328; }
    .title { font-size: 14px; font-weight: 600; } .label { font-size: 12px; } .small { font-size: 11px; fill: #59636e; }
    .paper { fill: #ffffff; } .frame { stroke: #818b98; fill: none; } .grid { stroke: #d1d9e0; }
    .s0, .s1, .s2, .s3 { fill: none; stroke-width: 1.8; } .b0, .b1, .b2, .b3 { stroke-width: 1; opacity: 0.6; }
    .s1 { stroke-dasharray: 7 3; } .s2 { stroke-dasharray: 2 3; } .s3 { stroke-dasharray: 9 3 2 3; }
    .s0, .b0 { stroke: #0550ae; } .s1, .b1 { stroke: #bc4c00; } .s2, .b2 { stroke: #116329; } .s3, .b3 { stroke: #8250df; }
    .m0 { fill: #0550ae; } .m1 { fill: #bc4c00; } .m2 { fill: #116329; } .m3 { fill: #8250df; }
    .level { stroke: #0550ae; stroke-width: 1.8; }
    @media (prefers-color-scheme: dark) {
      text { fill: #f0f6fc; } .small { fill: #9198a1; }
      .paper { fill: #0d1117; } .frame { stroke: #656c76; } .grid { stroke: #30363d; }
      .s0, .b0 { stroke: #58a6ff; } .s1, .b1 { stroke: #f0883e; } .s2, .b2 { stroke: #56d364; } .s3, .b3 { stroke: #d2a8ff; }
      .m0 { fill: #58a6ff; } .m1 { fill: #f0883e; } .m2 { fill: #56d364; } .m3 { fill: #d2a8ff; }
      .level { stroke: #58a6ff; }
    }
    """
}

/// How a point of a row looks.
enum Mark: Int, CaseIterable {
  case circle, square, triangle, diamond

  fileprivate var corners: [(Double, Double)] {
    switch self {
    case .circle: []
    case .square: [(-3, -3), (3, -3), (3, 3), (-3, 3)]
    case .triangle: [(0, -4), (3.8, 3), (-3.8, 3)]
    case .diamond: [(0, -4.4), (4.4, 0), (0, 4.4), (-4.4, 0)]
    }
  }
}
