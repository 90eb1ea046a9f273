import FDLink
import Glibc
import LinkCore
import LinkSystem

/// One of the two processes of `shmpeer demo --tun`: a network namespace of its own with a TUN device, joined to the
/// other by a shared-memory link. The namespace has no name: it goes away with the process.
struct TunPeer {
  let options: Options

  private static let port: UInt16 = 5201
  private var isServer: Bool { options.role == .server }
  private func ipv4(_ last: UInt8) -> [UInt8] { [10, 77, 0, last] }
  private func ipv6(_ last: UInt8) -> [UInt8] { [0xfd, 0x77] + [UInt8](repeating: 0, count: 13) + [last] }
  private var own: UInt8 { isServer ? 1 : 2 }
  private var other: UInt8 { isServer ? 2 : 1 }

  func run() throws(Failure) -> ExitCode {
    ProcessControl.dieWithParent()
    let watch = try Watch(forChild: ())
    let numbers = try SecondProcess.descriptors()
    let control = ControlChannel(OwnedDescriptor(owning: numbers.control), watch)
    do throws(Failure) {
      let device = try makeDevice()
      let socket = OwnedDescriptor(owning: numbers.handOver)
      let maker = Link(options: linkOptions, watch: watch)
      let link = isServer ? try maker.serve(socket).endpoint : try maker.connect(socket).endpoint
      let running = try RunningBridge(link, device, linkOptions.linkOptions)
      let result = Result { () throws(Failure) in try serve(control, watch) }
      running.end()
      try result.get()
    } catch { control.report(error) }
    return .done
  }

  private var linkOptions: Options {
    var options = options
    options.givenSpin = .zero
    return options
  }

  private func makeDevice() throws(Failure) -> FDEndpoint {
    do { try ProcessControl.enterNewNetworkNamespace() } catch {
      throw Failure(.missing, "network namespace: \(error); run it as root")
    }
    let device = try Device.open(.tun, name: "shmpeer0", linkOptions.linkOptions, offloads: options.offloads)
    let name = device.deviceName ?? "shmpeer0"
    do {
      try NetworkDevice.setAddress(name, ipv4: ipv4(own), prefixLength: 24)
      try NetworkDevice.setUp(name)
      try NetworkDevice.addAddress(name, ipv6: ipv6(own), prefixLength: 64)
    } catch { throw Failure(.missing, "device \(name): \(error); run it as root") }
    return device
  }

  private func serve(_ control: borrowing ControlChannel, _ watch: Watch) throws(Failure) {
    try control.send("ready")
    while true {
      let words = try control.receive(until: moment(after: .seconds(50)))
      let deadline = moment(after: .seconds(words[0].hasPrefix("ping") ? 8 : 25))
      switch words[0] {
      case "ping4", "ping6":
        let address = InternetSocket.Address(words[0] == "ping4" ? ipv4(other) : ipv6(other))
        try control.send("answered \(try ICMPEcho.answers(address, watch, until: deadline) ? 1 : 0)")
      case "receive":
        let listener: OwnedDescriptor
        do { listener = try InternetSocket.listen(InternetSocket.Address(ipv4(own), port: Self.port)) } catch {
          throw Failure(.missing, "TCP: \(error)")
        }
        try control.send("ready")
        let file = try FileTransfer(watch: watch, deadline: deadline).receive(at: listener)
        try control.send("received \(file.byteCount) \(file.digest) \(file.nanoseconds)")
      case "send":
        let address = InternetSocket.Address(ipv4(other), port: Self.port)
        let file = try FileTransfer(watch: watch, deadline: deadline).send(to: address)
        try control.send("sent \(file.byteCount) \(file.digest)")
      default: return
      }
    }
  }
}
