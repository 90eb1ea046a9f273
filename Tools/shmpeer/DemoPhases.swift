import LinkCore
import LinkSystem

/// What either process of the demonstration does in a phase. The link is attached anew for each.
struct DemoPhases {
  let link: any LinkEndpoint
  let options: Options
  let watch: Watch

  /// A sender's link may take so long to empty, and a receiver's to fill, before the rest is lost.
  private static let patience: Duration = .seconds(5)

  private func attach(_ action: some ActionRunner) throws(Failure) {
    do { try link.attach(action) } catch { throw Failure(error, "attach") }
  }

  /// Drives a sender to its end.
  private func drive(_ action: some ActionRunner, for duration: Duration) throws(Failure) {
    try attach(action)
    defer { link.detach() }
    var limited = options
    limited.timeout = duration + Self.patience
    let complaint = Session(limited, watch, role: "demo").drive(action, link)
    if let complaint { throw Failure(.unverified, complaint) }
  }

  /// Sends for a while, and returns how many packets.
  func source(for duration: Duration) throws(Failure) -> UInt64 {
    let source = try Source(link, .deadline(moment(after: duration)), options)
    try drive(source, for: duration)
    return source.sent
  }

  /// Pings for a while.
  func ping(for duration: Duration) throws(Failure) -> Report {
    let ping = try Ping(link, .deadline(moment(after: duration)), options)
    try drive(ping, for: duration)
    var report = Report(role: "server", mode: "ping")
    ping.fill(&report)
    return report
  }

  func startSink() throws(Failure) -> Sink {
    let sink = try Sink(target: nil)
    try attach(sink)
    return sink
  }

  func startEcho() throws(Failure) {
    try attach(Echo(link))
  }

  /// Waits for the rest of what was sent. What has not come when nothing comes any more is lost. `sent` nil: nobody
  /// knows, and nothing is waited for.
  func finish(_ sink: Sink, sent: UInt64?) -> Report {
    var received = sink.received
    var deadline = moment(after: Self.patience)
    while let sent, received < sent, sink.progress.closeReason == nil {
      if sink.progress.wait(watch, until: moment(after: .milliseconds(10))) == .signal { break }
      if sink.received > received {
        received = sink.received
        deadline = moment(after: Self.patience)
      } else if monotonicNanoseconds() >= deadline {
        break
      }
    }
    link.detach()
    var report = Report(role: "", mode: "sink")
    sink.fill(&report)
    report.sent = sent
    if let sent, var transfer = report.transfer {
      // What never came at all leaves no gap that the receiver could see.
      transfer.lost = sent - min(sent, transfer.received)
      report.transfer = transfer
    }
    return report
  }
}
