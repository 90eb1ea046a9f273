import Eventfd
import LinkCore
import LinkSystem
import Synchronization

/// The working part of an endpoint, for one of its descriptors: what the worker runs and holds on to.
///
/// Locks, in this order: the runner's turn lock, then `receiving` (uncontended: only turns take it) or `sending`.
final class DescriptorLink: GroupMember {
  let runner: LinkRunner
  let framing: LinkFraming
  let mtu: Atomic<Int>
  let kind: AdoptedDescriptor.Kind
  /// How packets are read; nil: none is.
  let dispatchMode: DispatchMode?
  let ring: PacketRing.Geometry?
  private let offloading: Offloading
  /// Hands over to processors what is read; nil: this link's own worker delivers.
  private let distributor: FlowDistributor?
  private let receiving: Lock<Receiver>
  private let sending: Lock<Sender>
  private let received: PublishedTally
  private let sent: PublishedTally
  private let softwareOffload: SoftwareOffload
  /// A write found the other end gone.
  private let peerIsGone = Atomic<Bool>(false)
  /// A write found the interface down.
  private let metLinkDown = Atomic<Bool>(false)
  /// The sending half waits for room.
  private let isRoomWanted = Atomic<Bool>(false)
  /// The peer is gone, and whoever waited for room is told to try.
  private let hasAnnouncedEnd = Atomic<Bool>(false)
  /// The next turn does so.
  private let owesAnnouncement = Atomic<Bool>(false)

  /// Takes over a descriptor that was checked. If it throws, the descriptor stays the caller's.
  init(
    _ number: CInt, _ kind: AdoptedDescriptor.Kind, name: String, _ framing: LinkFraming, _ offloading: Offloading,
    _ options: LinkOptions, _ fdOptions: FDOptions
  ) throws(LinkError) {
    runner = try LinkRunner(name: name, options: options)
    let plan = try ReceivePlan(
      fdOptions, number, kind, frameLimit: options.frameByteCount, headerByteCount: offloading.headerByteCount)
    let pool = options.makePool(waitingCount: fdOptions.mostWaitingCount(batchCapacity: options.batchCapacity))
    var processors: [FlowProcessor] = []
    for index in 0..<fdOptions.processorCount {
      processors.append(
        try FlowProcessor(
          name: "\(name)-p\(index)", feeder: runner, framing, pool: pool, options, fdOptions))
    }
    distributor = processors.isEmpty ? nil : FlowDistributor(processors, headerLength: framing.headerLength)
    // The last that can throw: from here on the descriptor is the link's.
    let file = try AdoptedDescriptor.prepare(number)
    self.framing = framing
    self.kind = kind
    self.offloading = offloading
    dispatchMode = plan.mode(fdOptions)
    ring = plan.geometry
    mtu = Atomic(options.mtu)
    softwareOffload = SoftwareOffload(options.segmentation)
    let received = PublishedTally()
    let sent = PublishedTally()
    self.received = received
    self.sent = sent
    // Where processors deliver, they coalesce: what they count is what was read.
    let coalescer = processors.isEmpty ? fdOptions.coalescer : nil
    let input = ReceiveInput(descriptor: number, kind: kind, framing: framing, offloading: offloading, fdOptions)
    receiving = Lock(
      Receiver(
        batch: PacketBatch(capacity: options.batchCapacity, pool: pool),
        strategy: plan.makeStrategy(), input: input, coalescer: coalescer, published: received,
        isDeaf: fdOptions.isDeaf))
    let messagesPerCall =
      kind == .device ? 0 : fdOptions.messagesPerCall(hasHeads: offloading.headerByteCount > 0)
    sending = Lock(
      Sender(
        file: file, messagesPerCall: messagesPerCall, partsPerCall: fdOptions.partsPerCall, offloading: offloading,
        published: sent))
  }

  /// Gives the descriptor back to the caller of `init`: the link cannot be used.
  func disown() { sending.withLock { $0.disown() } }

  var processors: [FlowProcessor] { distributor?.processors ?? [] }

  var statistics: LinkStatistics {
    let received = received.snapshot
    return LinkStatistics(
      received: distributor?.received(received) ?? received, sent: sent.snapshot + softwareOffload.tally)
  }

  /// Lends the descriptor; nil, and `body` not called, when it is closed.
  func withDescriptor<R: Sendable>(_ body: (CInt) -> R) -> R? { sending.withLock { $0.descriptor.map(body) } }

  // MARK: Turns

  func announceRoom(_ dispatcher: any LinkDispatcher) {
    if owesAnnouncement.load(ordering: .relaxed), owesAnnouncement.exchange(false, ordering: .acquiringAndReleasing) {
      softwareOffload.end()
      return dispatcher.linkHasRoom()
    }
    let isOwed = softwareOffload.takeOwedRoom()
    let hasCome = isRoomWanted.load(ordering: .acquiring) && roomCame()
    if hasCome || isOwed, flushHeldPackets() { dispatcher.linkHasRoom() }
  }

  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    guard let distributor else { return SharedDispatcher.pass(dispatcher, receive) }
    if let turn = distributor.turnAtEnd { return turn }
    let turn = receive(distributor)
    if case .ended(let reason) = turn { return distributor.end(reason) }
    return turn
  }

  private func receive(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    let frameLimit = mtu.load(ordering: .relaxed) + framing.headerLength
    let peerIsGone = peerIsGone.load(ordering: .acquiring)
    if metLinkDown.load(ordering: .relaxed), metLinkDown.exchange(false, ordering: .acquiring) {
      receiving.withLock { $0.interfaceWentDown() }
    }
    let (turn, isGone) = receiving.withLock {
      (
        $0.turn(dispatcher, frameLimit: frameLimit, peerIsGone: peerIsGone, askPool: runner.ringBellWhenAvailable),
        $0.knowsPeerIsGone
      )
    }
    // Whoever keeps packets until there is room has to learn that there will be none: this link may be waiting for
    // just those packets, to deliver the last ones in. By the next turn: the dispatcher may have detached in this one.
    if isGone, isRoomWanted.load(ordering: .acquiring), !hasAnnouncedEnd.exchange(true, ordering: .relaxed) {
      sending.withLock { sender in
        sender.withdrawWish()
        isRoomWanted.store(false, ordering: .releasing)
      }
      owesAnnouncement.store(true, ordering: .releasing)
      runner.ringBell()
    }
    return turn
  }

  /// Delivers frames that came another way. In a turn.
  func deliver(_ packets: inout PacketBatch, to dispatcher: any LinkDispatcher) {
    let frameLimit = mtu.load(ordering: .relaxed) + framing.headerLength
    receiving.withLock { $0.judge(&packets, frameLimit: frameLimit) }
    if !packets.isEmpty { dispatcher.deliverPackets(&packets) }
  }

  func prepareToWait() -> WaitDecision {
    switch distributor?.turnAtEnd {
    case .ended: return .somethingArrived
    case .some: return .waitForBell
    case nil: break
    }
    // A writer may hold the lock for as long as a write takes. One that wants room from now on rings.
    let room = isRoomWanted.load(ordering: .acquiring) ? sending.withLock { $0.wish } : .none
    return receiving.withLock { $0.prepareToWait(room) }
  }

  func waitEnded(_ entries: InlineArray<4, PollEntry>?) { receiving.withLock { $0.waitEnded() } }

  func releaseResources() {
    softwareOffload.end()
    receiving.withLock { $0.release() }
    sending.withLock { $0.release() }
  }

  private func roomCame() -> Bool {
    sending.withLock { sender in
      let came = sender.roomCame()
      if came { isRoomWanted.store(false, ordering: .releasing) }
      return came
    }
  }

  // MARK: Sending

  /// `owner`: what the runner runs, this link or its group.
  func write(_ packets: Span<PacketBuffer>, as owner: some RunnableLink) throws(LinkError) -> Int {
    guard runner.isAttached else { throw runner.refusal() }
    guard softwareOffload.passes(packets, offloading.offloads) else { return try goOn(packets, after: nil, as: owner) }
    let outcome = send(packets)
    return outcome.isUneventful ? outcome.accepted : try goOn(packets, after: outcome, as: owner)
  }

  /// What else there may be to a write: work for software, and something to tell. `first`: what came of packets that could
  /// go as they are; nil: none was tried.
  @inline(never)
  private func goOn(
    _ packets: Span<PacketBuffer>, after first: Sender.Outcome?, as owner: some RunnableLink
  ) throws(LinkError) -> Int {
    var write = PlainWrite(link: self)
    var accepted = 0
    if let first { accepted = write.note(first) }
    // The kernel may just have refused what it took until now.
    if first == nil || write.stop == .offloadRefused {
      accepted += softwareOffload.write(packets.extracting(droppingFirst: accepted), by: &write)
    }
    settle(write, owner)
    // A worker that sleeps does not know yet that room is wanted.
    if write.wantsRoomNewly || accepted < packets.count && softwareOffload.isRoomOwed { runner.ringBell() }
    if accepted > 0 { return accepted }
    switch write.stop {
    case .finished, .offloadRefused: return accepted
    case .full where packets.isEmpty: return 0
    case .full: throw LinkError(.wouldBlock, "the kernel has no room for a packet now")
    case .ended: throw sending.withLock { $0.ending }?.error ?? runner.refusal()
    case .released: throw runner.refusal()
    }
  }

  private var sendLimits: SendLimits {
    SendLimits(
      mtu: mtu.load(ordering: .relaxed), headerLength: framing.headerLength,
      segmentedByteCount: offloading.segmentedByteCount)
  }

  @inline(__always) private func send(_ packets: Span<PacketBuffer>) -> Sender.Outcome {
    let limits = sendLimits
    return sending.withLock { sender in
      let outcome = sender.send(packets, limits)
      if !outcome.isUneventful { isRoomWanted.store(sender.wish != .none, ordering: .releasing) }
      return outcome
    }
  }

  /// A write to the descriptor, and what came of it. The link's end waits until it is over.
  private struct PlainWrite: LinkCore.PlainWrite {
    let link: DescriptorLink
    /// Of the last call.
    var stop = Sender.Stop.finished
    // News of any call: a later one does not bring it again.
    /// Room is wanted that was not before.
    var wantsRoomNewly = false
    /// The link met its end.
    var metEnd = false
    /// The descriptor's interface was found down.
    var metLinkDown = false

    var limits: SendLimits { link.sendLimits }
    var offloads: OffloadSupport { link.offloading.offloads }

    mutating func send(_ packets: Span<PacketBuffer>) -> Int { note(link.send(packets)) }

    mutating func note(_ outcome: Sender.Outcome) -> Int {
      stop = outcome.stop
      if stop == .full(isNews: true) { wantsRoomNewly = true }
      if stop == .ended(isNews: true) { metEnd = true }
      if outcome.metLinkDown { metLinkDown = true }
      return outcome.accepted
    }
  }

  /// What a write found. Under no lock: ending a link may release it.
  private func settle(_ write: PlainWrite, _ owner: some RunnableLink) {
    if write.metLinkDown {
      metLinkDown.store(true, ordering: .releasing)
      runner.ringBell()
    }
    guard case .ended = write.stop else { return }
    softwareOffload.end()
    if write.metEnd, let reason = sending.withLock({ $0.ending }) { end(reason, owner) }
  }

  var holdsPackets: Bool { softwareOffload.holdsPackets }

  /// Sends what was held back, now that there is room. False if something is left, for which room is wanted again. In a turn.
  private func flushHeldPackets() -> Bool {
    var write = PlainWrite(link: self)
    let isEmpty = softwareOffload.flush(by: &write)
    settle(write, self)
    return isEmpty || !softwareOffload.holdsPackets
  }

  private func end(_ reason: LinkCloseReason, _ owner: some RunnableLink) {
    if reason == .peerDisconnected { peerWent() } else { runner.close(reason, owner) }
  }

  /// The other end is gone. What it had sent before is delivered first: the next turns see to that.
  func peerWent() {
    peerIsGone.store(true, ordering: .releasing)
    runner.ringBell()
  }
}
