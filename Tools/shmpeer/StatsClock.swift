import Eventfd
import LinkCore
import LinkSystem
import SharedMemLink

/// When the next line of `--stats` is due.
struct StatsClock {
  private let interval: UInt64?
  private let began: UInt64
  /// A time of `monotonicNanoseconds`; nil: never.
  private(set) var next: UInt64?

  init(_ interval: Duration?, since began: UInt64) {
    self.began = began
    self.interval = interval?.clampedNanoseconds
    next = self.interval.map { began &+ $0 }
  }

  /// Writes a line if it is due.
  mutating func tick(_ link: any LinkEndpoint, _ closeReason: LinkCloseReason?) {
    let now = monotonicNanoseconds()
    guard let next, let interval, now >= next else { return }
    write(link, closeReason)
    self.next = max(next &+ interval, now)
  }

  /// Writes a line now, if any were asked for.
  func write(_ link: any LinkEndpoint, _ closeReason: LinkCloseReason?) {
    guard interval != nil else { return }
    let seconds = Double(monotonicNanoseconds() &- began) / 1e9
    Console.write(Self.text(link, seconds: seconds, closeReason), to: .error)
  }

  /// The counters of a link on one line: what somebody wants to see whose link stands still.
  static func text(_ link: any LinkEndpoint, seconds: Double, _ closeReason: LinkCloseReason?) -> String {
    let statistics = link.statistics
    let state = closeReason.map { "closed (\($0))" } ?? (link.isAttached ? "attached" : "not attached")
    var parts = ["stats at \(decimal(seconds, places: 1)) s: \(state)"]
    for (name, tally) in [("received", statistics.received), ("sent", statistics.sent)] {
      var part = "\(name) \(tally.packets) packets \(tally.bytes) bytes \(tally.batches) batches"
      for cause in DropCause.allCases where tally[cause] > 0 { part += " dropped(\(cause.rawValue)) \(tally[cause])" }
      parts.append(part)
    }
    parts.append(LinkEvent.allCases.map { "\($0.name) \(statistics[$0])" }.joined(separator: ", "))
    if let link = link as? SharedMemEndpoint { parts.append("\(link.state)") }
    return parts.joined(separator: "; ")
  }
}
