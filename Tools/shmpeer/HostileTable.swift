import HostilePeer

/// Attacks and verdicts, as people and programs read them.
enum HostileTable {
  private static func padded(_ text: String, _ width: Int) -> String {
    text + String(repeating: " ", count: max(1, width - text.count))
  }

  static func line(_ attack: Attack) -> String {
    let victims = attack.victims.map(\.rawValue).joined(separator: ",")
    return padded(attack.name, 26) + padded(victims, 15) + padded(attack.promise.rawValue, 9) + attack.summary
  }

  static func line(_ verdict: Verdict, isGood: Bool) -> String {
    let mark = isGood ? "ok" : "FELL"
    let end = decimal(verdict.endMilliseconds, places: 1)
    let grown = decimal(Double(verdict.grownByteCount) / 1048576, places: 1)
    let numbers = "end \(end) ms, +\(grown) MiB, \(decimal(verdict.processorSeconds, places: 2)) s CPU"
    let detail = verdict.detail.isEmpty ? "" : "  \(verdict.detail)"
    return padded(mark, 5) + padded(verdict.attack.name, 26) + padded(verdict.role.rawValue, 7)
      + padded(verdict.outcome.rawValue, 9) + numbers + detail
  }

  static func json(_ verdicts: [Verdict], _ bad: [Verdict], seed: UInt64) -> JSONLine {
    var list = JSONLine()
    for verdict in verdicts {
      var one = JSONLine()
      one["outcome"] = .text(verdict.outcome.rawValue)
      one["promise"] = .text(verdict.attack.promise.rawValue)
      one["detail"] = .text(verdict.detail)
      one["end_ms"] = .number(verdict.endMilliseconds)
      one["grown_bytes"] = .integer(UInt64(verdict.grownByteCount))
      one["cpu_seconds"] = .number(verdict.processorSeconds)
      list["\(verdict.attack.name)/\(verdict.role.rawValue)"] = .object(one)
    }
    var line = JSONLine()
    line["seed"] = .integer(seed)
    line["attacks"] = .integer(UInt64(verdicts.count))
    line["fell"] = .integer(UInt64(bad.count))
    line["verdicts"] = .object(list)
    return line
  }

  /// A table of attack and verdict, one row an attack.
  static func markdown(_ verdicts: [Verdict]) -> [String] {
    let attacks = Attack.catalogue.filter { attack in verdicts.contains { $0.attack.name == attack.name } }
    return ["| family | attack | what it does | client | server |", "| --- | --- | --- | --- | --- |"]
      + attacks.map { attack in
        let cells = LinkRole.allCases.map { role in
          verdicts.first { $0.attack.name == attack.name && $0.role == role }.map(cell) ?? ""
        }
        return "| \(attack.family.rawValue) | `\(attack.name)` | \(attack.summary) | "
          + cells.joined(separator: " | ") + " |"
      }
  }

  /// Where chance decides between two good ends, the table says what is promised: it is the same every time.
  private static func cell(_ verdict: Verdict) -> String {
    if !verdict.keepsPromise { return "**\(verdict.outcome.rawValue)**" }
    return verdict.attack.promise == .survives ? Attack.Promise.survives.rawValue : verdict.outcome.rawValue
  }
}
