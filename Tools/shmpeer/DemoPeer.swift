import Glibc
import LinkCore
import LinkSystem

/// The second process of `shmpeer demo`: the client of the link. It does what it is told over the control channel.
struct DemoPeer {
  let options: Options

  func run() throws(Failure) -> ExitCode {
    ProcessControl.dieWithParent()
    let watch = try Watch(forChild: ())
    let numbers = try SecondProcess.descriptors()
    let control = ControlChannel(OwnedDescriptor(owning: numbers.control), watch)
    // The parent pins itself afterwards: this process inherits the whole set.
    ProcessControl.pin(toAllowedCPU: 1)
    do {
      let link = try Link(options: options, watch: watch).connect(OwnedDescriptor(owning: numbers.handOver)).endpoint
      defer { Link.end(link) }
      try serve(control, DemoPhases(link: link, options: options, watch: watch))
    } catch { control.report(error) }
    return .done
  }

  private func serve(_ control: borrowing ControlChannel, _ phases: DemoPhases) throws(Failure) {
    try control.send("ready")
    var sink: Sink?
    while true {
      let words = try control.receive(until: moment(after: .seconds(4000)))
      let number = words.dropFirst().first.flatMap { UInt64($0) } ?? 0
      switch words[0] {
      case "source": try control.send("sent \(try phases.source(for: .milliseconds(Int64(number))))")
      case "sink":
        sink = try phases.startSink()
        try control.send("ready")
      case "echo":
        try phases.startEcho()
        try control.send("ready")
      case "finish":
        guard let finished = sink else { break }
        let report = phases.finish(finished, sent: number)
        let transfer = report.transfer ?? Report.Transfer()
        let nanoseconds = UInt64(report.seconds * 1e9)
        let values = [
          transfer.received, transfer.bytes, transfer.lost, transfer.duplicated, transfer.reordered, transfer.corrupt,
          nanoseconds,
        ]
        try control.send("counted " + values.map { "\($0)" }.joined(separator: " "))
      default: return
      }
    }
  }
}
