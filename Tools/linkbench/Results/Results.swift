import Foundation
import LinkTestSupport

/// What runs of `linkbench --json` wrote, joined. Runs of another version may have keys that are not known here, or lack some.
struct Results: Equatable {
  /// What was measured on, and when: one line for each machine and day.
  var machines: [String] = []
  var cases: [MeasuredCase] = []
  /// Lists of rows under any other key, such as `costs`.
  var tables: [ExtraTable] = []

  /// Of files. Where a case is in several, the last one counts.
  init(files: [String]) throws(BenchFailure) {
    for file in files {
      guard let data = FileManager.default.contents(atPath: file) else {
        throw BenchFailure("\(file): no such file, or it cannot be read")
      }
      try add(data, from: file)
    }
    if cases.isEmpty { throw BenchFailure("\(files.joined(separator: ", ")): no measured case in it") }
  }

  private mutating func add(_ data: Data, from file: String) throws(BenchFailure) {
    if data.isEmpty { throw BenchFailure("\(file): it is empty") }
    guard let object = try? JSONDecoder().decode([String: JSONValue].self, from: data) else {
      throw BenchFailure("\(file): no JSON object, as linkbench --json writes one")
    }
    guard let run = try? JSONDecoder().decode(Run.self, from: data) else {
      throw BenchFailure("\(file): its cases are not those that linkbench --json writes")
    }
    if let machine = run.machine.map({ "\($0)" }), !machines.contains(machine) { machines.append(machine) }
    for measured in run.cases ?? [] {
      if let index = cases.firstIndex(where: { $0.name == measured.name }) {
        cases[index] = measured
      } else {
        cases.append(measured)
      }
    }
    for (key, value) in object.sorted(by: { $0.key < $1.key }) {
      guard let rows = value.rows, key != "cases" else { continue }
      tables.removeAll { $0.name == key }
      tables.append(ExtraTable(name: key, rows: rows))
    }
  }

  private struct Run: Decodable {
    var machine: Hardware?
    var cases: [MeasuredCase]?
  }
}

/// One case of a run, as far as pictures and pages show it.
struct MeasuredCase: Equatable, Decodable {
  struct Side: Equatable, Decodable {
    var cpuNanosecondsPerPacket: Summary?
    var packetsPerSecond: Summary?
    var roundTrip: Percentiles?
    var lost: Int?
  }

  var name: String
  var pairs: Int?
  var baseline: Side
  var ours: Side
  var ratio: Summary
  /// The least ratio that is aimed at, and whether it was reached.
  var target: Double?
  var met: Bool?

  var parts: [String] { name.split(separator: "/").map(String.init) }
}

/// Rows of what is counted or measured alone, with whatever columns there are.
struct ExtraTable: Equatable {
  var name: String
  var rows: [[String: JSONValue]]
}

/// Any value of a JSON text.
enum JSONValue: Equatable, Decodable {
  case null
  case flag(Bool)
  case number(Double)
  case text(String)
  case list([JSONValue])
  case object([String: JSONValue])

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    if container.decodeNil() {
      self = .null
    } else if let flag = try? container.decode(Bool.self) {
      self = .flag(flag)
    } else if let number = try? container.decode(Double.self) {
      self = .number(number)
    } else if let text = try? container.decode(String.self) {
      self = .text(text)
    } else if let list = try? container.decode([JSONValue].self) {
      self = .list(list)
    } else {
      self = .object(try container.decode([String: JSONValue].self))
    }
  }

  /// A list of objects only; nil if it is anything else.
  var rows: [[String: JSONValue]]? {
    guard case .list(let values) = self, !values.isEmpty else { return nil }
    let rows: [[String: JSONValue]] = values.compactMap { if case .object(let row) = $0 { row } else { nil } }
    return rows.count == values.count ? rows : nil
  }
}
