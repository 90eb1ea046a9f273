import Eventfd
import LinkCore
import LinkSystem
import Synchronization

/// A part of a group, with a runner and so a worker of its own: a descriptor, or a processor.
protocol GroupMember: RunnableLink {
  var runner: LinkRunner { get }
}

/// The descriptors of one endpoint and their processors. The lifecycle of the whole is that of the first descriptor's runner:
/// the other members are attached, detached and closed with it, and it ends when they have ended.
///
/// One descriptor without processors is a group without other members.
final class DescriptorGroup: GroupMember {
  let links: [DescriptorLink]
  let lead: DescriptorLink
  private var otherLinks: ArraySlice<DescriptorLink> { links.dropFirst() }
  let runner: LinkRunner
  /// All besides the lead.
  private let others: [any GroupMember]
  /// Held while the runners change between idle and attached, so that they do it together. Never while waiting.
  private let changing = Lock(())
  /// The gate of the attachment there is.
  private let gate = Lock<SharedDispatcher.Gate?>(nil)
  /// The other end of the lead's descriptor is gone, and all that it sent was delivered.
  private let isLeadDrained = Atomic<Bool>(false)

  init(_ links: [DescriptorLink]) {
    self.links = links
    lead = links[0]
    runner = lead.runner
    others = Array(links.flatMap { [$0] + $0.processors as [any GroupMember] }.dropFirst())
    for other in others { other.runner.setCloseAction { [weak self, weak other] in self?.ended(other) } }
  }

  private var isInTurn: Bool { runner.isInTurn || others.contains { $0.runner.isInTurn } }

  // MARK: Lifecycle

  func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) {
    if others.isEmpty { return try runner.attach(dispatcher, self) }
    let gate = SharedDispatcher.Gate(isConcurrent: dispatcher.takesConcurrentCalls)
    do throws(LinkError) {
      try changing.withLock { _ throws(LinkError) in
        try runner.attach(SharedDispatcher(dispatcher, gate, tellsEnd: true), self)
        self.gate.withLock { $0 = gate }
        if runner.closeReason != nil { gate.shut() }
        let port = SharedDispatcher(dispatcher, gate, tellsEnd: false)
        // One that came to its end while nobody was attached has nothing to deliver; the lead knows of it.
        for other in others where other.runner.closeReason == nil { try other.runner.attach(port, other) }
      }
    } catch {
      if error.code != .alreadyAttached { detach() }
      throw error
    }
  }

  func detach() {
    let isInside = isInTurn
    // The dispatcher may go away with these, and call this link once more: under no lock.
    let detached = changing.withLock { _ -> [any LinkDispatcher] in
      shutGate()
      return ([self] + others).compactMap { $0.runner.beginDetach() }
    }
    // From inside a callback nobody is waited for: the others may be waiting for this one.
    if !isInside {
      runner.awaitTurn(self)
      for other in others { other.runner.awaitTurn(other) }
    }
    withExtendedLifetime(detached) {}
  }

  private func shutGate() { gate.withLock { $0?.shut() } }

  func close(_ reason: LinkCloseReason) {
    shutGate()
    runner.close(reason, self)
    closeOthers(reason)
  }

  func wait() throws(LinkError) {
    if isInTurn { throw LinkError(.wouldDeadlock, "wait() inside a callback of the link it waits for") }
    try runner.wait()
    for other in others { try other.runner.wait() }
  }

  private func closeOthers(_ reason: LinkCloseReason) { for other in others { other.runner.close(reason, other) } }

  /// One of the others is closed: so is the whole, once all have delivered what their peer had sent.
  private func ended(_ other: (any GroupMember)?) {
    guard let reason = other?.runner.closeReason else { return }
    if reason == .peerDisconnected { peerWent() } else { close(reason) }
    runner.ringBell()
  }

  private func peerWent() { for link in links { link.peerWent() } }

  // MARK: Turns of the lead

  func announceRoom(_ dispatcher: any LinkDispatcher) { lead.announceRoom(dispatcher) }

  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    if !isLeadDrained.load(ordering: .relaxed) {
      let turn = lead.turn(dispatcher)
      guard case .ended(.peerDisconnected) = turn, !otherLinks.isEmpty else { return turn }
      isLeadDrained.store(true, ordering: .relaxed)
      peerWent()
    }
    return otherLinksAreClosed ? .ended(.peerDisconnected) : .idle
  }

  /// As `InjectableEndpoint.inject`. Of one descriptor.
  func inject(_ packets: inout PacketBatch) throws(LinkError) {
    try runner.takeTurn(self) { dispatcher in lead.deliver(&packets, to: dispatcher) }
  }

  private var otherLinksAreClosed: Bool { otherLinks.allSatisfy { $0.runner.closeReason != nil } }

  func prepareToWait() -> WaitDecision {
    if !isLeadDrained.load(ordering: .relaxed) { return lead.prepareToWait() }
    // The last of the others rings.
    return otherLinksAreClosed ? .somethingArrived : .waitForBell
  }

  func waitEnded(_ entries: InlineArray<4, PollEntry>?) { lead.waitEnded(entries) }

  func releaseResources() {
    closeOthers(runner.closeReason ?? .requested)
    // Their last deliveries come before the dispatcher hears of the end. Not from inside one of them: then nobody is
    // attached, and nobody hears of it.
    if !others.contains(where: { $0.runner.isInTurn }) {
      for other in others {
        do { try other.runner.wait() } catch { assertionFailure("outside of its turns: \(error)") }
      }
    }
    lead.releaseResources()
  }
}
