import LinkCore
import LinkSystem
import SharedMemLink

/// `shmpeer attach`: a link over descriptors that the parent process left open.
struct Attach {
  let options: Options
  let watch: Watch

  func run() throws(Failure) -> ExitCode {
    guard let role = options.role else { throw Failure(.usage, "--role is missing") }
    let goodbye = options.peerDescriptor.flatMap { Goodbye(on: $0) }
    let link: SharedMemEndpoint
    do {
      let queues = QueuePair(
        transmit: try files("--tx-fds", options.transmitFiles), receive: try files("--rx-fds", options.receiveFiles))
      link = try SharedMemEndpoint(
        role.role, queues: queues, peer: options.peerDescriptor, bufferByteCount: options.bufferByteCount,
        hasVirtioNetHeader: options.hasVirtioNetHeader, options: options.linkOptions)
    } catch let error as Failure { throw error } catch let error as LinkError {
      throw Self.refusal(error, "attach")
    } catch { throw Failure(.missing, "attach: \(error)") }
    let session = Session(options, watch, role: role.rawValue)
    return session.publish(try session.run(link, goodbye))
  }

  private func files(_ flag: String, _ numbers: [Int32]) throws(Failure) -> QueueFiles {
    do { return try QueueFiles(takingOwnershipOf: numbers, accepting: options.filePolicy) } catch {
      throw Self.refusal(error, "\(flag) \(numbers.map(String.init).joined(separator: ","))")
    }
  }

  /// The numbers of the command line have been checked: what is wrong now are the descriptors.
  private static func refusal(_ error: LinkError, _ what: String) -> Failure {
    var failure = Failure(error, what)
    if failure.code == .usage { failure.code = .missing }
    return failure
  }

  /// Checks that what the command line names was open when the tool started: before the tool opens files of its own.
  static func checkNamedDescriptors(_ options: Options) throws(Failure) {
    for number in options.namedDescriptors {
      do { _ = try OwnedDescriptor.status(of: number) } catch {
        throw Failure(.missing, "descriptor \(number): \(error); it must be open when shmpeer starts")
      }
    }
  }
}
