import LinkCore
import LinkSystem

/// `shmpeer demo`: this process and a second one, joined by shared memory; both directions, then the round trip.
struct Demo {
  let options: Options
  let watch: Watch

  func run() throws(Failure) -> ExitCode {
    var result = DemoResult(options)
    var failure: Failure?
    do { try measure(&result) } catch { failure = error }
    if let failure {
      Console.write("shmpeer: demo: \(failure.message)", to: .error)
      // Without a link there is nothing to report.
      if failure.code != .unverified { return failure.code }
    }
    if options.isJSON {
      Console.write(result.json.description, to: .output)
    } else {
      for line in result.lines { Console.write(line, to: .output) }
    }
    return failure?.code ?? result.exitCode
  }

  private func measure(_ result: inout DemoResult) throws(Failure) {
    let ends: InlineArray<2, Int32>
    do { ends = try UnixSocket.pair(.seqpacket).takeBoth() } catch { throw Failure(.missing, "sockets: \(error)") }
    let near = OwnedDescriptor(owning: ends[0])
    let second = try SecondProcess(childArguments, handOver: OwnedDescriptor(owning: ends[1]), watch)
    ProcessControl.pin(toAllowedCPU: 0)
    var failure: Failure?
    do {
      let link = try Link(options: options, watch: watch).serve(near).endpoint
      defer { Link.end(link) }
      try phases(second.control, DemoPhases(link: link, options: options, watch: watch), &result)
    } catch { failure = error }
    second.end()
    if let failure { throw failure }
  }

  private func phases(
    _ control: borrowing ControlChannel, _ phases: DemoPhases, _ result: inout DemoResult
  ) throws(Failure) {
    let duration = options.duration
    let patience = duration + .seconds(15)
    _ = try control.expect("ready", until: moment(after: .seconds(10)))

    note("client to server")
    let sink = try phases.startSink()
    let milliseconds = duration.clampedMilliseconds
    let sent: [UInt64]
    do { sent = try control.ask("source \(milliseconds)", expecting: "sent", until: moment(after: patience)) } catch {
      result.clientToServer = phases.finish(sink, sent: nil)
      throw error
    }
    result.clientToServer = phases.finish(sink, sent: sent.first ?? 0)

    note("server to client")
    _ = try control.ask("sink", expecting: "ready", until: moment(after: patience))
    let count = try phases.source(for: duration)
    let counted = try control.ask("finish \(count)", expecting: "counted", until: moment(after: patience))
    result.serverToClient = DemoResult.report(sent: count, counted)

    note("latency")
    _ = try control.ask("echo", expecting: "ready", until: moment(after: patience))
    result.latency = try phases.ping(for: duration)
  }

  private func note(_ phase: String) {
    if !options.isJSON { Console.write("shmpeer: \(phase) …", to: .error) }
  }

  private var childArguments: [String] {
    var words = ["demo-peer", "--size", "\(options.size)", "--batch", "\(options.batch)"]
    words += ["--check", options.check.rawValue]
    if let spin = options.givenSpin { words += ["--spin", "\(spin.clampedMicroseconds)"] }
    return words
  }
}
