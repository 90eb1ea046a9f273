import FDLink
import LinkCore
import LinkSystem

/// `shmpeer fd`: the same actions over a descriptor that keeps packet boundaries.
struct FD {
  let options: Options
  let watch: Watch

  func run() throws(Failure) -> ExitCode {
    let session = Session(options, watch, role: "fd")
    return session.publish(try session.run(try open()))
  }

  private func open() throws(Failure) -> FDEndpoint {
    switch options.source {
    case .numbers(let numbers):
      do {
        return try FDEndpoint(takingOwnershipOf: numbers, options: options.linkOptions, fdOptions: options.fdOptions)
      } catch {
        throw Failure(error, numbers.map { "--fd \($0)" }.joined(separator: " "))
      }
    case .device(let kind, let name):
      let link = try Device.open(
        kind, name: name, options.linkOptions, options.fdOptions, takesInterfaceMTU: options.givenMTU == nil,
        queueCount: options.queueCount ?? 1)
      if link.mtu >= options.size { return link }
      link.close()
      throw Failure(.usage, "--size \(options.size): must be at most the MTU of \(name), which is \(link.mtu)")
    case nil: throw Failure(.usage, "one of --fd N, --tun NAME, --tap NAME and --packet IFNAME is needed")
    }
  }
}
