import Glibc
import LinkCore
import LinkSystem
import SharedMemLink

/// `shmpeer serve`: makes queues, hands them to whoever connects, and runs the action on the link.
struct Serve {
  let options: Options
  let watch: Watch
  private let path: String

  init(_ options: Options, _ watch: Watch) {
    self.options = options
    self.watch = watch
    path = options.socketPath ?? ""
  }

  func run() throws(Failure) -> ExitCode {
    let listener = try listen()
    defer { UnixSocket.removeFile(path) }
    var worst = ExitCode.done
    // With --keep the time is each session's own.
    let deadline = options.keeps ? nil : options.timeout.map { moment(after: $0) }
    Console.write("shmpeer: serving at \(path)", to: .error)
    while true {
      switch watch.wait(listener.number, until: deadline) {
      case .signal:
        return options.keeps ? worst : publish(Failure(.unverified, "ended by a signal before a peer came"))
      case .timedOut: return publish(Failure(.unverified, "no peer came to \(path) within \(options.timeout!)"))
      case .ready: break
      }
      guard let link = welcome(listener) else { continue }
      let session = Session(options, watch, role: "server")
      worst = max(worst, session.publish(try session.run(link.endpoint, link.goodbye)))
      if !options.keeps { return worst }
    }
  }

  private func publish(_ failure: Failure) -> ExitCode {
    let session = Session(options, watch, role: "server")
    return session.publish(session.reportWithoutLink(failure))
  }

  private func listen() throws(Failure) -> OwnedDescriptor {
    do { return try UnixSocket.listen(path: path) } catch {
      let advice =
        error.number == EADDRINUSE
        ? "somebody serves there, or it is no socket: choose another path" : "choose a path that can be made"
      throw Failure(.missing, "--socket \(path): \(error); \(advice)")
    }
  }

  /// Makes a link with the next peer. A peer that does not keep to the hand-over is its own problem: nil, and a message.
  private func welcome(_ listener: borrowing OwnedDescriptor) -> JoinedLink? {
    do {
      guard let socket = try UnixSocket.accept(listener) else { return nil }
      return try Link(options: options, watch: watch).serve(socket)
    } catch let error as Failure {
      if !watch.isSignalled { Console.write("shmpeer: peer dropped: \(error.message)", to: .error) }
    } catch { Console.write("shmpeer: \(path): \(error)", to: .error) }
    return nil
  }
}
