import Glibc
import LinkCore
import LinkSystem
import SharedMemLink

/// `shmpeer connect`: receives the queues from a server.
struct Connect {
  let options: Options
  let watch: Watch

  func run() throws(Failure) -> ExitCode {
    let session = Session(options, watch, role: "client")
    let socket = try connect(options.socketPath ?? "")
    let link: JoinedLink
    do { link = try Link(options: options, watch: watch).connect(socket) } catch  where error.code == .unverified {
      return session.publish(session.reportWithoutLink(error))
    }
    return session.publish(try session.run(link.endpoint, link.goodbye))
  }

  /// A server's socket file is there a moment before it listens: a refusal is believed after this many nanoseconds.
  private static let refusalTime: UInt64 = 300_000_000

  private func connect(_ path: String) throws(Failure) -> OwnedDescriptor {
    let end = monotonicNanoseconds() &+ Self.refusalTime
    do throws(SystemError) {
      while true {
        do throws(SystemError) { return try UnixSocket.connect(path: path) } catch {
          guard error.number == ECONNREFUSED, monotonicNanoseconds() < end else { throw error }
          if watch.wait(-1, .input, until: monotonicNanoseconds() &+ 10_000_000) == .signal { throw error }
        }
      }
    } catch {
      let advice =
        switch error.number {
        case ENOENT, ECONNREFUSED: "nobody serves there: start shmpeer serve --socket \(path) first"
        case EPROTOTYPE, ENOTSOCK: "it is not a socket of shmpeer serve"
        default: "check the path and its permissions"
        }
      throw Failure(.missing, "--socket \(path): \(error); \(advice)")
    }
  }
}
