/// A JSON object that keeps the order of its keys, and writes itself on one line.
struct JSONLine: CustomStringConvertible {
  enum Value {
    case integer(UInt64)
    case number(Double)
    case text(String)
    case flag(Bool)
    case object(JSONLine)
    case list([JSONLine])
  }

  private var fields: [(key: String, value: Value)] = []

  /// Nil writes nothing: the key does not apply.
  subscript(key: String) -> Value? {
    get { fields.first { $0.key == key }?.value }
    set {
      fields.removeAll { $0.key == key }
      if let newValue { fields.append((key, newValue)) }
    }
  }

  var description: String {
    "{" + fields.map { "\(Self.quote($0.key)):\(Self.write($0.value))" }.joined(separator: ",") + "}"
  }

  private static func write(_ value: Value) -> String {
    switch value {
    case .integer(let number): "\(number)"
    case .number(let number): number.isFinite ? decimal(number, places: 3) : "0"
    case .text(let text): quote(text)
    case .flag(let flag): flag ? "true" : "false"
    case .object(let object): object.description
    case .list(let objects): "[" + objects.map(\.description).joined(separator: ",") + "]"
    }
  }

  private static func quote(_ text: String) -> String {
    var line = "\""
    for scalar in text.unicodeScalars {
      switch scalar {
      case "\"": line += "\\\""
      case "\\": line += "\\\\"
      case "\n": line += "\\n"
      case let control where control.value < 0x20:
        let hex = String(control.value, radix: 16)
        line += "\\u" + String(repeating: "0", count: 4 - hex.count) + hex
      default: line.unicodeScalars.append(scalar)
      }
    }
    return line + "\""
  }
}

/// A number with a fixed count of decimal places, never in exponent form.
func decimal(_ number: Double, places: Int) -> String {
  let scale = (0..<places).reduce(1.0) { scale, _ in scale * 10 }
  let scaled = (abs(number) * scale).rounded()
  guard scaled < 9e18 else { return "\(number)" }
  let whole = UInt64(scaled)
  let sign = number < 0 && whole > 0 ? "-" : ""
  guard places > 0 else { return "\(sign)\(whole)" }
  let fraction = String(whole % UInt64(scale))
  return "\(sign)\(whole / UInt64(scale))." + String(repeating: "0", count: places - fraction.count) + fraction
}
