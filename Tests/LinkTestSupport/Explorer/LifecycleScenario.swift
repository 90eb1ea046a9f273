import LinkQueue

/// Users that attach, detach and close a link while its worker thread, or its callers, drive it and its peer sends: over
/// `LifecycleModel`.
package struct LifecycleScenario: Sendable {
  package enum Call: Sendable { case attach, detach, close, wait, drive, step }

  package enum Bug: Sendable {
    case none
    /// A change of phase does not ring the runner's bell.
    case changeDoesNotRing
    /// `detach()` does not wait for the end of a turn under way.
    case detachDoesNotWait
    /// A turn does not look whether the phase has changed.
    case turnIgnoresPhase
    /// Nor does whoever prepares to wait.
    case waitIgnoresPhase
    /// The worker gives up the lock between deciding to end and saying so.
    case threadEndsUnlocked
    /// A caller takes the bell, finds that the phase has changed, and does not ring again for others who wait.
    case stepKeepsRing
    /// Whoever finds the link closing finishes it.
    case finishesTwice
  }

  package var order = MemoryOrder.totalStoreOrder
  /// The calls of each user.
  package var users: [[Call]] = [[.close, .wait]]
  package var isAttachedFirst = true
  package var messages = 1
  /// Whether the link has a worker thread. Otherwise users drive it.
  package var hasWorker = true
  package var bug = Bug.none

  package init() {}

  package func scenario(_ name: String) -> Scenario {
    var scenario = Scenario("\(name), \(order)", order)
    let link = LifecycleModel(&scenario, bug, isAttachedFirst: isAttachedFirst, hasThread: hasWorker)
    let over = scenario.region("over")
    let worker = WorkerModel(link: link, over: over)
    if hasWorker { scenario.side("worker") { side throws(Halt) in try worker.live(side) } }
    for (number, calls) in users.enumerated() {
      scenario.side(users.count == 1 ? "user" : "user \(number + 1)") { side throws(Halt) in
        for call in calls { try make(call, link, side) }
        // It attached the link, so nobody else starts threads.
        if number == 0 { try side.ring(over) }
      }
    }
    if messages > 0 { scenario.side("peer") { side throws(Halt) in try send(side, link) } }
    return scenario
  }

  private func make(_ call: Call, _ link: LifecycleModel, _ side: Side) throws(Halt) {
    side.note("\(call)()")
    switch call {
    case .attach: try link.attach(side)
    case .detach: try link.detach(side)
    case .close: try link.close(side)
    case .wait: try link.wait(side)
    case .drive: try CallerModel(link: link).drive(side)
    case .step: _ = try CallerModel(link: link).step(side)
    }
    side.note("\(call)() returns")
  }

  private func send(_ side: Side, _ link: LifecycleModel) throws(Halt) {
    let word = NotificationWord(side.memory(link.word))
    for number in 1...messages {
      side.store(link.messages, UInt64(number), releases: true)
      if word.isWanted() { try side.ring(link.event) }
    }
  }
}
