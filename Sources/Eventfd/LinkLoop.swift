public import LinkCore
import LinkSystem

/// Several links that one thread drives: the one that calls `run()`. For links made with `LinkOptions.Drive.caller`.
///
/// Both ends of a bridge on one thread take fewer wake-ups than a thread for each: what one brings is written to the
/// other, and the answers that came meanwhile are taken up without a sleep in between. With more CPUs than threads two
/// threads carry more in both directions at once.
///
///     let bridge = LinkBridge(guest, device)        // both driven by their caller
///     try bridge.start()
///     try LinkLoop([guest, device]).run()           // returns when both are closed
///
/// Several loops may share links, as `DrivenLink.step` says.
public struct LinkLoop: Sendable {
  private let links: [any DrivenLink]
  /// For how long a loop whose links have nothing to do looks on before it sleeps, as `LinkOptions.spin`: then nobody has
  /// to wake it, and another thread lacks the CPU. The links' own setting is for those with threads.
  public var spin: Duration

  /// Traps, in `run()`, for links with threads of their own.
  public init(_ links: [any DrivenLink], spin: Duration = .zero) {
    self.links = links
    self.spin = spin
  }

  /// Drives the links, each for a turn, until each is closed or detached; the dispatchers are called from this thread.
  /// Attach them before: a link that is not attached is left alone.
  ///
  /// Throws when the kernel does not let it wait, for want of memory: the links are closed then, since nobody would drive
  /// them any more.
  public func run() throws(LinkError) {
    var spin = AdaptiveSpin(nanoseconds: spin.clampedNanoseconds)
    var live = links
    var failure: LinkError?
    while true {
      var hasDelivered = false
      var isStarved = false
      live.removeAll { link in
        switch link.step() {
        case .delivered: hasDelivered = true
        case .starved: isStarved = true
        case .idle: break
        case .notAttached, .closed: return true
        }
        return false
      }
      if live.isEmpty { break }
      if hasDelivered {
        spin.succeeded()
      } else if !isStarved, spin.shouldSpin() {
        spinPause()
      } else if failure == nil {
        do { try sleep(live, &spin) } catch {
          failure = error
          for link in live { link.close() }
        }
      }
    }
    if let failure { throw failure }
  }

  /// Until there is something to do for one of the links.
  private func sleep(_ links: [any DrivenLink], _ spin: inout AdaptiveSpin) throws(LinkError) {
    var entries: [(descriptor: CInt, events: PollEvents)] = []
    var nanoseconds: UInt64?
    for link in links {
      // The steps to come disarm those before it.
      guard let plan = link.prepareToWait() else { return }
      for entry in plan.entries { entries.append((entry.descriptor, PollEvents(rawValue: entry.events))) }
      if let timeout = plan.timeout?.clampedNanoseconds { nanoseconds = min(nanoseconds ?? timeout, timeout) }
    }
    let began = monotonicNanoseconds()
    do { try poll(entries, nanoseconds: nanoseconds) } catch { throw LinkError(error) }
    spin.slept(nanoseconds: monotonicNanoseconds() &- began)
  }
}
