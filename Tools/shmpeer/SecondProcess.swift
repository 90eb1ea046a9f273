import Glibc
import LinkCore
import LinkSystem

/// A process of the tool's own kind, for the demonstrations: started with one end of a control channel and with a socket
/// for the hand-over.
struct SecondProcess: ~Copyable {
  /// The numbers that it finds its descriptors at.
  static let handOverNumber: Int32 = 3
  static let controlNumber: Int32 = 4

  let control: ControlChannel
  private let process: ChildProcess

  init(_ arguments: [String], handOver: consuming OwnedDescriptor, _ watch: Watch) throws(Failure) {
    do {
      let ends = try UnixSocket.pair(.seqpacket).takeBoth()
      let ours = OwnedDescriptor(owning: ends[0])
      let theirs = OwnedDescriptor(owning: ends[1])
      let process = try ChildProcess(
        [ProcessControl.executablePath] + arguments,
        descriptors: [(handOver.number, Self.handOverNumber), (theirs.number, Self.controlNumber)])
      self.init(ControlChannel(ours, watch), process)
    } catch { throw Failure(.missing, "second process: \(error)") }
  }

  private init(_ control: consuming ControlChannel, _ process: consuming ChildProcess) {
    self.control = control
    self.process = process
  }

  /// Ends it, in order if it lets itself be ended within a second, and waits for it.
  consuming func end() {
    process.signal(SIGTERM)
    control.waitForEnd(until: moment(after: .seconds(1)))
    process.signal(SIGKILL)
    _ = process.wait()
  }

  /// The other side of this: the descriptors of a second process.
  static func descriptors() throws(Failure) -> (handOver: Int32, control: Int32) {
    for number in [handOverNumber, controlNumber] {
      do { _ = try OwnedDescriptor.status(of: number) } catch {
        throw Failure(.usage, "this subcommand is only for processes that shmpeer demo starts")
      }
    }
    return (handOverNumber, controlNumber)
  }
}
