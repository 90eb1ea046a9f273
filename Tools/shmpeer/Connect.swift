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
    let link: JoinedLink
    do { link = try Link(options: options, watch: watch).connect(try connect(options.socketPath ?? "")) } catch {
      guard error.code == .unverified else { throw error }
      return session.publish(session.reportWithoutLink(error))
    }
    return session.publish(try session.run(link.endpoint, link.goodbye))
  }

  /// A server's socket file is there a moment before it listens: a refusal is believed after this many nanoseconds.
  private static let refusalTime: UInt64 = 300_000_000

  private func connect(_ path: String) throws(Failure) -> OwnedDescriptor {
    let refusalEnd = monotonicNanoseconds() &+ Self.refusalTime
    let end = moment(after: options.timeout ?? Link.patience)
    do throws(SystemError) {
      while true {
        do throws(SystemError) {
          if let socket = try UnixSocket.connectIfRoom(path: path) { return socket }
          if monotonicNanoseconds() >= end { throw SystemError("connect", SystemError.timedOut) }
        } catch { guard error.number == ECONNREFUSED, monotonicNanoseconds() < refusalEnd else { throw error } }
        if watch.wait(-1, .input, until: monotonicNanoseconds() &+ 10_000_000) == .signal {
          throw SystemError("connect", EINTR)
        }
      }
    } catch {
      let advice: String
      switch error.number {
      case EINTR: throw Failure(.unverified, "ended by a signal before there was a link")
      case SystemError.timedOut: throw Failure(.unverified, "--socket \(path): its server has too many peers waiting")
      case ENOENT, ECONNREFUSED: advice = "nobody serves there: start shmpeer serve --socket \(path) first"
      case EPROTOTYPE, ENOTSOCK: advice = "it is not a socket of shmpeer serve"
      default: advice = "check the path and its permissions"
      }
      throw Failure(.missing, "--socket \(path): \(error); \(advice)")
    }
  }
}
