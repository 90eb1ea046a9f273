import LinkCore
import LinkSystem

/// Runs one action on one link until it is done, the link is over, a signal comes or the time is up; then ends both in
/// order.
struct Session {
  let options: Options
  let watch: Watch
  /// `client`, `server` or `fd`.
  let role: String
  /// When `--timeout` is over.
  let deadline: UInt64?
  let began = monotonicNanoseconds()

  init(_ options: Options, _ watch: Watch, role: String) {
    self.options = options
    self.watch = watch
    self.role = role
    deadline = options.timeout.map { moment(after: $0) }
  }

  /// `goodbye`: nil where an orderly end cannot be told from the peer's death.
  func run(_ link: any DrivenLink, _ goodbye: Goodbye? = nil) throws(Failure) -> Report {
    guard let action = options.action else { throw Failure(.usage, "an action is missing") }
    let made = description(of: link, "link")
    var report = try run(action, on: link, goodbye)
    report.link = made
    return report
  }

  private func run(_ action: Action, on link: any DrivenLink, _ goodbye: Goodbye?) throws(Failure) -> Report {
    switch action {
    case .bridge(let kind, let name): try runBridge(link, kind, name: name)
    case .echo: try run(Echo(link), on: link, goodbye)
    case .sink(let count): try run(Sink(target: count), on: link, goodbye)
    case .source(let count): try run(Source(link, .count(count), options), on: link, goodbye)
    case .ping(let count): try run(Ping(link, .count(count), options), on: link, goodbye)
    }
  }

  private func run(
    _ action: some ActionRunner, on link: any LinkEndpoint, _ goodbye: Goodbye?
  ) throws(Failure) -> Report {
    var report = Report(role: role, mode: options.action?.mode ?? "")
    do { try link.attach(action) } catch  where error.code != .closed { throw Failure(error, "attach") } catch {}
    report.complaint = drive(action, link)
    if report.complaint == nil, let goodbye, hasDied(action, link, goodbye) {
      report.complaint = "the peer was gone in the middle of a transfer"
    }
    goodbye?.say()
    Link.end(link)
    action.fill(&report)
    judge(&report, link, action.progress.closeReason)
    let unsent = DropCause.allCases.reduce(0) { $0 + link.statistics.sent[$1] }
    if action.isSender, unsent > 0, report.complaint == nil {
      report.complaint = "\(unsent) packets were dropped on this side"
    }
    return report
  }

  /// So long after its last packet a peer that leaves without a word is taken to be done.
  private static let calm: UInt64 = 100_000_000

  private func hasDied(_ action: some ActionRunner, _ link: any LinkEndpoint, _ goodbye: Goodbye) -> Bool {
    guard action.progress.closeReason == .peerDisconnected, !action.isDone, action.lastArrival > 0 else { return false }
    return monotonicNanoseconds() &- action.lastArrival < Self.calm && !goodbye.wasHeard(by: link)
  }

  /// The main thread's part. Returns what kept it from its goal.
  func drive(_ action: some ActionRunner, _ link: any LinkEndpoint) -> String? {
    var stats = StatsClock(options.statsInterval, since: began)
    while true {
      // Before the last look: a peer that took everything may have left in between.
      let reason = action.progress.closeReason
      let pause = action.proceed()
      if action.isDone { return nil }
      if let reason { return action.hasGoal ? "the link was over before everything was done (\(reason))" : nil }
      let again = pause.map { monotonicNanoseconds() &+ $0 }
      let wake = action.progress.wait(watch, until: [again, stats.next, deadline].compactMap(\.self).min())
      if wake == .signal { return action.isSender ? "ended by a signal before everything was done" : nil }
      if let deadline, monotonicNanoseconds() >= deadline {
        if action.isDone { return nil }
        return "timed out after \(options.timeout!)"
      }
      stats.tick(link, action.progress.closeReason)
    }
  }

  /// What the link itself counted.
  func judge(_ report: inout Report, _ link: any LinkEndpoint, _ reason: LinkCloseReason?) {
    let statistics = link.statistics
    for (cause, count) in statistics.drops { report.drops[cause, default: 0] += count }
    report.closeReason = reason
    report.peerBrokeProtocol = statistics[.badCompletion] > 0 || statistics.received[.malformed] > 0
    StatsClock(options.statsInterval, since: began).write(link, reason)
  }

  /// The report of a run that ended before there was a link. A signal is no fault of a receiver, here as later.
  func reportWithoutLink(_ failure: Failure) -> Report {
    var report = Report(role: role, mode: options.action?.mode ?? "")
    var isSender = false
    switch options.action {
    case .sink: report.transfer = Report.Transfer()
    case .source, .ping:
      isSender = true
      report.size = options.size
      report.sent = 0
    case .echo, .bridge, nil:
      report.received = 0
      report.sent = 0
    }
    if isSender || !watch.isSignalled { report.complaint = failure.message }
    report.closeReason = .requested
    return report
  }

  /// Writes the report, and returns how it ends.
  func publish(_ report: Report) -> ExitCode {
    if let complaint = report.complaint { Console.write("shmpeer: \(complaint)", to: .error) }
    if options.isJSON {
      Console.write(report.json.description, to: .output)
    } else {
      for line in report.lines { Console.write(line, to: .output) }
    }
    return report.exitCode
  }
}
