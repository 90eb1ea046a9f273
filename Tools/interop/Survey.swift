import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport

/// Runs all cells, and writes a table for each medium.
struct Survey {
  let media: [Cell.Medium]
  let packets: Int
  let rounds: Int

  /// Whether all packets were as they should be.
  func run() throws -> Bool {
    Console.write(try heading(), to: .output)
    var isFaultless = true
    for medium in media {
      Console.write(Self.title(medium), to: .output)
      var rows: [Row] = []
      for size in Cell.sizes {
        for isEthernet in [false, true] {
          let row = try measure(
            Cell.Job.allCases.map { Cell(medium, $0, size: size, isEthernet: isEthernet) }, "\(size)", isEthernet)
          Console.write(row.markdown, to: .output)
          rows.append(row)
        }
      }
      Console.write(Self.summary(rows), to: .output)
      isFaultless = isFaultless && rows.allSatisfy { $0.faults == 0 }
    }
    return isFaultless
  }

  private struct Row {
    var title: [String]
    var verified = 0
    /// Of all runs, with the baseline's.
    var faults = 0
    var columns: [String] = []
    var ratios: [Double] = []

    var markdown: String { "| " + (title + ["\(verified)", "\(faults)"] + columns).joined(separator: " | ") + " |" }
  }

  private func measure(_ cells: [Cell], _ size: String, _ isEthernet: Bool) throws -> Row {
    var row = Row(title: [size, isEthernet ? "Ethernet" : "IP"])
    for cell in cells {
      let outcome = try cell.run(packets: cell.packets(of: packets))
      row.verified += outcome.receiver.number("received") ?? 0
      row.faults += Self.tell(outcome, "\(cell)")
      try compare(cell, &row)
    }
    return row
  }

  /// What a cell makes of our side, beside gVisor in its place.
  private func compare(_ cell: Cell, _ row: inout Row) throws {
    let isPing = cell.job == .farEchoes || cell.job == .nearEchoes
    let count = isPing ? 3000 : min(200_000, 400_000_000 / cell.size)
    var ours: [Double] = []
    var baseline: [Double] = []
    for _ in 0..<rounds {
      let outcome = try cell.run(packets: count, check: "none")
      row.faults += Self.tell(outcome, "\(cell), not summed")
      ours.append(outcome.packetsPerSecond)
      let alone = try cell.run(near: .gvisor, packets: count, check: "none")
      row.faults += Self.tell(alone, "\(cell), not summed, gVisor in our place")
      baseline.append(alone.packetsPerSecond)
    }
    let ratio = Self.median(zip(ours, baseline).map { $0.0 / max($0.1, 1) })
    row.ratios.append(ratio)
    row.columns.append(
      "\(Self.rate(Self.median(ours))) : \(Self.rate(Self.median(baseline))) = \(Self.text(ratio, 2))")
  }

  /// Says what was wrong with a run; returns how much that was.
  private static func tell(_ outcome: Cell.Outcome, _ run: String) -> Int {
    Console.write(run, to: .error)
    for fault in outcome.faults { Console.write("  \(fault)", to: .error) }
    return outcome.faults.count
  }

  /// The medians of the rows' ratios.
  private static func summary(_ rows: [Row]) -> String {
    var row = Row(title: ["all", ""])
    for each in rows {
      row.verified += each.verified
      row.faults += each.faults
    }
    row.columns = Cell.Job.allCases.indices.map { column in text(median(rows.map { $0.ratios[column] }), 2) }
    return row.markdown
  }

  /// Of an even number: the mean of the two in the middle.
  private static func median(_ values: [Double]) -> Double {
    let sorted = values.sorted()
    return (sorted[(sorted.count - 1) / 2] + sorted[sorted.count / 2]) / 2
  }

  /// In thousands a second.
  private static func rate(_ value: Double) -> String { text(value / 1000, value < 99_500 ? 1 : 0) }

  private static func text(_ number: Double, _ places: Int) -> String {
    number.formatted(.number.precision(.fractionLength(places)).grouping(.never).locale(Locale(identifier: "en_US")))
  }

  private func heading() throws -> String {
    "Measured on \(Hardware.current()), with \(try Self.versions()); rounds: \(rounds)."
  }

  /// Debian's packages, as dpkg names them.
  private static func versions() throws -> String {
    let outcome = try Peer(
      ["--show", "--showformat=${Package} ${Version}\\n"] + GvisorPeer.packages, executable: "/usr/bin/dpkg-query"
    ).wait()
    return outcome.output.split(separator: "\n").joined(separator: " and ")
  }

  private static func title(_ medium: Cell.Medium) -> String {
    let head = "| bytes | framing | packets | faults | " + Cell.Job.allCases.map(\.rawValue).joined(separator: " | ")
    return "\n### \(medium.title)\n\n\(head) |\n| ---: | --- | ---: | ---: | ---: | ---: | ---: | ---: |"
  }
}

extension Cell.Medium {
  fileprivate var title: String {
    switch self {
    case .sharedMemory("client"): "Our client and gVisor's server"
    case .sharedMemory: "Our server and gVisor's client"
    case .sockets(let kind, let dispatch): "Unix \(kind) sockets, both sides by \(dispatch)"
    }
  }
}
