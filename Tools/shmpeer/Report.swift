import LinkCore

/// What a run came to: the numbers, in the order in which they are written, and the judgement.
struct Report {
  struct Transfer {
    var received: UInt64 = 0
    var bytes: UInt64 = 0
    var lost: UInt64 = 0
    var duplicated: UInt64 = 0
    var reordered: UInt64 = 0
    var corrupt: UInt64 = 0
    /// Received ones whose body had no sum.
    var unsummed: UInt64 = 0
  }

  var role: String
  var mode: String
  var size: Int?
  var sent: UInt64?
  /// Packets that came, where nobody verified them.
  var received: UInt64?
  /// What a receiver of test packets verified.
  var transfer: Transfer?
  /// The packets and bytes that the rate is about.
  var rated: (packets: UInt64, bytes: UInt64)?
  var seconds = 0.0
  var latency: LatencyHistogram?
  var drops: [DropCause: UInt64] = [:]
  var closeReason: LinkCloseReason?
  /// What the link was made of, and the device that it was joined to, where somebody asked.
  var link: JSONLine?
  var device: JSONLine?
  /// What kept the run from its goal, other than packets: a timeout, a peer that left early.
  var complaint: String?
  var peerBrokeProtocol = false

  init(role: String, mode: String) {
    self.role = role
    self.mode = mode
  }

  var exitCode: ExitCode {
    if peerBrokeProtocol { return .protocolViolation }
    if case .failed(let error) = closeReason {
      return error.code == .protocolViolation ? .protocolViolation : .unverified
    }
    if complaint != nil { return .unverified }
    guard let transfer else { return .done }
    let faults = transfer.lost + transfer.duplicated + transfer.reordered + transfer.corrupt
    return faults == 0 ? .done : .unverified
  }

  var packetsPerSecond: Double { seconds > 0 ? Double(rated?.packets ?? 0) / seconds : 0 }
  var gigabitPerSecond: Double { seconds > 0 ? Double(rated?.bytes ?? 0) * 8 / seconds / 1e9 : 0 }

  var json: JSONLine {
    var line = JSONLine()
    line["role"] = .text(role)
    line["mode"] = .text(mode)
    line["size"] = size.map { .integer(UInt64($0)) }
    line["sent"] = sent.map { .integer($0) }
    line["received"] = received.map { .integer($0) }
    if let transfer { Self.write(transfer, to: &line) }
    line["unsummed"] = transfer.map { .integer($0.unsummed) }
    line["bytes"] = (transfer?.bytes ?? rated?.bytes).map { .integer($0) }
    line["seconds"] = .number(seconds)
    if rated != nil {
      line["packets_per_second"] = .number(packetsPerSecond)
      line["gbit_per_second"] = .number(gigabitPerSecond)
    }
    line["rtt_us"] = latency.map { .object($0.json) }
    line["drops"] = .object(Self.json(drops))
    line["close_reason"] = closeReason.map { .text($0.description) }
    line["link"] = link.map { .object($0) }
    line["device"] = device.map { .object($0) }
    return line
  }

  static func write(_ transfer: Transfer, to line: inout JSONLine) {
    line["received"] = .integer(transfer.received)
    line["lost"] = .integer(transfer.lost)
    line["duplicated"] = .integer(transfer.duplicated)
    line["reordered"] = .integer(transfer.reordered)
    line["corrupt"] = .integer(transfer.corrupt)
  }

  private static func json(_ drops: [DropCause: UInt64]) -> JSONLine {
    var line = JSONLine()
    for cause in DropCause.allCases { line[cause.rawValue] = drops[cause].map { .integer($0) } }
    return line
  }

  /// For people.
  var lines: [String] {
    var parts: [String] = []
    if let sent { parts.append("sent \(sent)") }
    if let received { parts.append("received \(received)") }
    if let transfer {
      parts.append("received \(transfer.received), lost \(transfer.lost), duplicated \(transfer.duplicated)")
      parts.append("reordered \(transfer.reordered), corrupt \(transfer.corrupt)")
    }
    parts.append("in \(decimal(seconds, places: 3)) s")
    var lines = ["\(role) \(mode): " + parts.joined(separator: ", ")]
    if rated != nil {
      lines.append(
        "  \(decimal(packetsPerSecond, places: 0)) packets/s, \(decimal(gigabitPerSecond, places: 3)) Gbit/s")
    }
    if let latency, latency.count > 0 {
      let values = [0.5, 0.99, 0.999].map { decimal(Double(latency.percentile($0)) / 1000, places: 2) }
      lines.append("  round trip p50 \(values[0]) us, p99 \(values[1]) us, p99.9 \(values[2]) us")
    }
    for cause in DropCause.allCases where drops[cause] != nil {
      lines.append("  dropped, \(cause.rawValue): \(drops[cause]!)")
    }
    if let closeReason { lines.append("  closed: \(closeReason)") }
    return lines
  }
}
