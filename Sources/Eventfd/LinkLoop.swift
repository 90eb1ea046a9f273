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

  /// Drives the links, each for a turn, until each is closed; the dispatchers are called from this thread. Links may be
  /// attached before or meanwhile, and detached and attached again: what is not attached waits. Not from inside a callback
  /// of one of them.
  ///
  /// Throws when the kernel does not let it wait, for want of memory: the links are closed then, since nobody would drive
  /// them any more.
  public func run() throws(LinkError) {
    var spin = AdaptiveSpin(nanoseconds: spin.clampedNanoseconds)
    var live = links
    var sleeper = Sleeper()
    var failure: LinkError?
    var rounds = 0
    while true {
      var hasDelivered = false
      var isStarved = false
      live.removeAll { link in
        switch link.step() {
        case .delivered: hasDelivered = true
        case .starved: isStarved = true
        case .idle, .notAttached: break
        case .closed: return true
        }
        return false
      }
      if live.isEmpty { break }
      rounds += 1
      if rounds % Self.lookAround == 0 { sleeper.lookAround(live) }
      if hasDelivered {
        spin.succeeded()
      } else if !isStarved, spin.shouldSpin() {
        spinPause()
      } else if failure == nil {
        do { try sleeper.sleep(live, &spin) } catch {
          failure = error
          for link in live { link.close() }
        }
      }
    }
    if let failure { throw failure }
  }

  /// Links learn from their waits that a peer is gone, and others may be busy all the time: so after so many rounds.
  private static let lookAround = 1024

  /// What one sleep after the other waits for, in the same memory.
  private struct Sleeper {
    private var plan = LinkWaitPlan()
    private var list = PollList()

    /// As a sleep that is over at once.
    mutating func lookAround(_ links: [any DrivenLink]) {
      plan.removeAll()
      for link in links { _ = link.prepareToWait(addingTo: &plan) }
    }

    /// Until there is something to do for one of the links.
    mutating func sleep(_ links: [any DrivenLink], _ spin: inout AdaptiveSpin) throws(LinkError) {
      plan.removeAll()
      // Where one has something to do, the steps to come disarm those before it.
      for link in links { if !link.prepareToWait(addingTo: &plan) { return } }
      list.removeAll()
      for entry in plan.entries { list.append(entry.descriptor, PollEvents(rawValue: entry.events)) }
      let began = monotonicNanoseconds()
      do { try list.wait(nanoseconds: plan.timeout?.clampedNanoseconds) } catch { throw LinkError(error) }
      spin.slept(nanoseconds: monotonicNanoseconds() &- began)
    }
  }
}
