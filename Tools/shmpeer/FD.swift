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
    case .number(let number):
      do { return try FDEndpoint(takingOwnershipOf: number, options: options.linkOptions) } catch {
        throw Failure(error, "--fd \(number)")
      }
    case .device(let kind, let name):
      return try Device.open(kind, name: name, options.linkOptions)
    case nil: throw Failure(.usage, "one of --fd N, --tun NAME and --tap NAME is needed")
    }
  }
}
