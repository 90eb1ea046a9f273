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
    let maker = Link(options: options, watch: watch)
    let server = try listen(maker)
    var worst = ExitCode.done
    var bad = BadPeers()
    // With --keep the time is each session's own.
    let deadline = options.keeps ? nil : options.timeout.map { moment(after: $0) }
    Console.write("shmpeer: serving at \(path)", to: .error)
    while true {
      // Peers may come as fast as they go: between any two of them there is a look at signals and the time.
      var plan = LinkWaitPlan(entries: [], timeout: .zero)
      switch server.step() {
      case .handedOver(let peer):
        let link: JoinedLink
        do { link = try maker.join(peer) } catch {
          bad.note(error.message)
          break
        }
        let session = Session(options, watch, role: "server")
        worst = max(worst, session.publish(try session.run(link.endpoint, link.goodbye)))
        if !options.keeps { return worst }
      // A peer that does not keep to the hand-over is its own problem.
      case .dropped(let error): bad.note("\(error)")
      case .idle: plan = server.prepareToWait()
      }
      switch watch.wait(plan, until: deadline) {
      case .signal:
        return options.keeps ? worst : publish(Failure(.unverified, "ended by a signal before a peer came"))
      case .timedOut: return publish(Failure(.unverified, "no peer came to \(path) within \(options.timeout!)"))
      case .ready: break
      }
    }
  }

  private func publish(_ failure: Failure) -> ExitCode {
    let session = Session(options, watch, role: "server")
    return session.publish(session.reportWithoutLink(failure))
  }

  private func listen(_ maker: Link) throws(Failure) -> HandOverServer {
    do { return try HandOverServer(path: path, offer: maker.offer, limits: maker.limits) } catch {
      let advice =
        error.systemError == EADDRINUSE
        ? "somebody serves there, or it is no socket: choose another path" : "choose a path that can be made"
      throw Failure(error, "--socket \(path)", advice: error.systemError == nil ? nil : advice)
    }
  }
}
