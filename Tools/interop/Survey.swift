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
      for size in Cell.sizes {
        for isEthernet in [false, true] {
          let row = try measure(
            Cell.Job.allCases.map { Cell(medium, $0, size: size, isEthernet: isEthernet) }, "\(size)", isEthernet)
          isFaultless = isFaultless && row.faults == 0
          Console.write(row.markdown, to: .output)
        }
      }
    }
    return isFaultless
  }

  private struct Row {
    var markdown: String
    var faults: Int
  }

  private func measure(_ cells: [Cell], _ size: String, _ isEthernet: Bool) throws -> Row {
    var verified = 0
    var faults = 0
    var rates: [String] = []
    for cell in cells {
      Console.write("\(cell)", to: .error)
      // Fewer of the large ones, as in the tests.
      let outcome = try cell.run(packets: cell.size > 9000 ? max(1, packets / 10) : packets)
      for fault in outcome.faults { Console.write("  \(fault)", to: .error) }
      verified += outcome.receiver.number("received") ?? 0
      faults += outcome.faults.count
      rates.append(try compare(cell))
    }
    let cells = [size, isEthernet ? "Ethernet" : "IP", "\(verified)", "\(faults)"] + rates
    return Row(markdown: "| " + cells.joined(separator: " | ") + " |", faults: faults)
  }

  /// What a cell makes of our side, beside gVisor in its place.
  private func compare(_ cell: Cell) throws -> String {
    let isPing = cell.job == .farEchoes || cell.job == .nearEchoes
    let count = isPing ? 3000 : min(200_000, 400_000_000 / cell.size)
    var ours: [Double] = []
    var baseline: [Double] = []
    for _ in 0..<rounds {
      ours.append(try cell.run(packets: count, check: "none").packetsPerSecond)
      baseline.append(try cell.run(near: .gvisor, packets: count, check: "none").packetsPerSecond)
    }
    let ratio = Self.median(zip(ours, baseline).map { $0.0 / max($0.1, 1) })
    return "\(Self.rate(Self.median(ours))) : \(Self.rate(Self.median(baseline))) = \(Self.text(ratio, 2))"
  }

  private static func median(_ values: [Double]) -> Double { values.sorted()[values.count / 2] }

  /// In thousands a second.
  private static func rate(_ value: Double) -> String { text(value / 1000, value < 99_500 ? 1 : 0) }

  private static func text(_ number: Double, _ places: Int) -> String {
    number.formatted(.number.precision(.fractionLength(places)).grouping(.never).locale(Locale(identifier: "en_US")))
  }

  private func heading() throws -> String {
    "Measured on \(Hardware.current()), with \(try Self.versions()); \(rounds) rounds."
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
