import LinkCore

/// What the demonstration measured, side by side. A phase that did not happen is all zeros.
struct DemoResult {
  var clientToServer: Report?
  var serverToClient: Report?
  var latency: Report?
  private let options: Options

  init(_ options: Options) { self.options = options }

  /// A receiver's report from the numbers of its message.
  static func report(sent: UInt64, _ numbers: [UInt64]) -> Report {
    var report = Report(role: "client", mode: "sink")
    guard numbers.count == 7 else { return report }
    report.sent = sent
    report.transfer = Report.Transfer(
      received: numbers[0], bytes: numbers[1], lost: numbers[2], duplicated: numbers[3], reordered: numbers[4],
      corrupt: numbers[5])
    report.rated = (numbers[0], numbers[1])
    report.seconds = Double(numbers[6]) / 1e9
    return report
  }

  var exitCode: ExitCode {
    guard let clientToServer, let serverToClient, let latency else { return .unverified }
    return [clientToServer, serverToClient, latency].map(\.exitCode).max() ?? .done
  }

  var json: JSONLine {
    var line = JSONLine()
    line["size"] = .integer(UInt64(options.size))
    line["client_to_server"] = .object(Self.direction(clientToServer))
    line["server_to_client"] = .object(Self.direction(serverToClient))
    var round = JSONLine()
    round["rtt_us"] = .object((latency?.latency ?? LatencyHistogram()).json)
    round["round_trips"] = .integer(latency?.transfer?.received ?? 0)
    round["lost"] = .integer(latency?.transfer?.lost ?? 0)
    line["latency"] = .object(round)
    return line
  }

  private static func direction(_ report: Report?) -> JSONLine {
    var line = JSONLine()
    line["sent"] = .integer(report?.sent ?? 0)
    Report.write(report?.transfer ?? Report.Transfer(), to: &line)
    line["bytes"] = .integer(report?.transfer?.bytes ?? 0)
    line["seconds"] = .number(report?.seconds ?? 0)
    line["packets_per_second"] = .number(report?.packetsPerSecond ?? 0)
    line["gbit_per_second"] = .number(report?.gigabitPerSecond ?? 0)
    return line
  }

  /// A table for people.
  var lines: [String] {
    let check = options.check == .crc ? "bodies filled and summed" : "bodies left alone"
    var lines = ["packets of \(options.size) bytes, \(options.batch) a write, \(check)"]
    lines.append(Self.row(["", "packets/s", "Gbit/s", "sent", "received", "lost", "corrupt"]))
    for (name, report) in [("client to server", clientToServer), ("server to client", serverToClient)] {
      guard let report, let transfer = report.transfer else { continue }
      lines.append(
        Self.row([
          name, decimal(report.packetsPerSecond, places: 0), decimal(report.gigabitPerSecond, places: 3),
          "\(report.sent ?? 0)", "\(transfer.received)", "\(transfer.lost)", "\(transfer.corrupt)",
        ]))
    }
    if let histogram = latency?.latency {
      let values = [0.5, 0.99, 0.999].map { decimal(Double(histogram.percentile($0)) / 1000, places: 2) }
      lines.append(
        "round trip         p50 \(values[0]) us   p99 \(values[1]) us   p99.9 \(values[2]) us   (\(histogram.count) times)"
      )
    }
    return lines
  }

  private static func row(_ cells: [String]) -> String {
    cells.enumerated().map { index, cell in
      let blanks = String(repeating: " ", count: max(0, (index == 0 ? 16 : 11) - cell.count))
      return index == 0 ? cell + blanks : " " + blanks + cell
    }.joined()
  }
}
