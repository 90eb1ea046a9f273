import LinkCore
import LinkSystem
import SharedMemLink

/// `shmpeer attach`: a link over descriptors that the parent process left open.
struct Attach {
  let options: Options
  let watch: Watch

  func run() throws(Failure) -> ExitCode {
    guard let role = options.role else { throw Failure(.usage, "--role is missing") }
    let link: SharedMemEndpoint
    do {
      let queues = QueuePair(
        transmit: try files("--tx-fds", options.transmitFiles), receive: try files("--rx-fds", options.receiveFiles))
      link = try SharedMemEndpoint(
        role.role, queues: queues, peer: options.peerDescriptor, bufferByteCount: options.bufferByteCount,
        options: options.linkOptions)
    } catch let error as Failure { throw error } catch let error as LinkError {
      throw Failure(error, "attach", advice: "the descriptors are those of QueueFiles, in the order of the wire")
    } catch { throw Failure(.missing, "attach: \(error)") }
    let session = Session(options, watch, role: role.rawValue)
    return session.publish(try session.run(link))
  }

  private func files(_ flag: String, _ numbers: [Int32]) throws(Failure) -> QueueFiles {
    do { return try QueueFiles(takingOwnershipOf: numbers) } catch {
      let list = numbers.map(String.init).joined(separator: ",")
      throw Failure(error, "\(flag) \(list)", advice: "it takes data, event, tx pipe, rx pipe and shared data, sealed")
    }
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
