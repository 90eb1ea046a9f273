import Eventfd
public import LinkCore
import LinkQueue
import Synchronization

/// One end of a link through queues in shared memory. The client cuts the memory into buffers and posts those that it
/// receives in; the server fills and empties what the client offers. Apart from that the two roles are alike.
///
/// The peer may be anyone: whatever it writes, and whenever, costs it its packets or the link, never this process.
///
/// Close it when done: an attached link keeps itself, and its thread, alive.
public final class SharedMemEndpoint: LinkEndpoint, DrivenLink {
  public enum Role: Sendable {
    /// Cuts the memory of both queues: it owns the buffers that it sends from and posts those that it receives in.
    case client
    /// Works in the client's buffers.
    case server
  }

  public let role: Role
  let runner: LinkRunner
  let framing: LinkFraming
  let sender: any Sender
  let receiver: any Receiver
  let room = RoomRequest()
  let softwareOffload: SoftwareOffload
  /// What packets may leave to the peer: of `LinkOptions.offloads`, what was agreed on. Empty without virtio-net headers.
  public let offloads: OffloadSupport
  private let goneFlag = Atomic<Bool>(false)
  private let currentMTU: Atomic<Int>
  private let ownCapabilities: LinkCapabilities
  /// The largest frame that the queues can carry, a virtio-net header not counted.
  private let mostFrameByteCount: Int
  /// Whether a virtio-net header precedes each frame.
  public let hasVirtioNetHeader: Bool

  /// Takes the queues over. `peer`: a Unix socket whose other end the peer holds, which becomes this link's; nil: the
  /// peer's death goes unnoticed. `bufferByteCount`: how a client cuts its memory; a server is told by the client.
  /// `hasVirtioNetHeader`: each frame lies behind a virtio-net header, written from the packet's offload facts, and
  /// read into them; both ends have to agree.
  ///
  /// Throws `invalidArgument` for impossible options, `badDescriptor` when the peer descriptor is no socket, `system` when
  /// the kernel refuses. The queues are closed then; the peer descriptor stays the caller's.
  public init(
    _ role: Role, queues: consuming QueuePair, peer: Int32? = nil, bufferByteCount: Int = 2048,
    hasVirtioNetHeader: Bool = false, options: LinkOptions = LinkOptions()
  ) throws(LinkError) {
    try options.validate()
    if !hasVirtioNetHeader { try options.validateWithoutVirtioNetHeader() }
    try QueueGeometry.validate(bufferByteCount: bufferByteCount)
    let runner = try LinkRunner(name: role == .client ? "link-client" : "link-server", options: options)
    let format = hasVirtioNetHeader ? FrameFormat.virtioNet : .plain
    mostFrameByteCount = queues.mostFrameByteCount(cutInto: bufferByteCount) - format.headerByteCount
    let pair = try queues.mapped(role)
    self.hasVirtioNetHeader = hasVirtioNetHeader
    guard options.frameByteCount <= mostFrameByteCount else {
      let what =
        options.segmentation.kind == .host && options.segmentation.maxByteCount > options.mtu
        ? "segmentation by the host of packets of \(options.segmentation.maxByteCount) bytes" : "mtu \(options.mtu)"
      throw LinkError(
        .invalidArgument,
        "\(what): these queues, in buffers of \(bufferByteCount) bytes, carry frames of \(mostFrameByteCount) at most; "
          + "choose less, or make larger queues")
    }
    let watched: PeerDescriptor? = if let peer { try PeerDescriptor(takingOwnershipOf: peer) } else { nil }
    self.role = role
    self.runner = runner
    framing = LinkFraming(address: options.linkAddress, trimsPadding: options.trimsPadding)
    currentMTU = Atomic(options.mtu)
    segmentation = options.segmentation
    softwareOffload = SoftwareOffload(options.segmentation)
    offloads = options.offloads(hasVirtioNetHeader: hasVirtioNetHeader)
    ownCapabilities = options.capabilities.union(offloads.capabilities)
      .union(framing.isEthernet ? .resolutionRequired : [])
    let batch = PacketBatch(capacity: options.batchCapacity, pool: options.makePool())
    (sender, receiver) = pair.halves(
      role, watched, room, bufferByteCount: bufferByteCount, format: format, batch: batch, framing: framing,
      askPool: runner.ringBellWhenAvailable)
  }

  // MARK: Facts

  /// Setting clamps to `LinkOptions.mtuRange` and to what the queues can carry.
  public var mtu: Int {
    get { currentMTU.load(ordering: .relaxed) }
    set {
      let most = min(LinkOptions.mtuRange.upperBound, mostFrameByteCount - framing.headerLength)
      currentMTU.store(min(max(newValue, LinkOptions.mtuRange.lowerBound), most), ordering: .relaxed)
    }
  }
  public var linkAddress: LinkAddress? {
    get { framing.linkAddress }
    set { framing.linkAddress = newValue }
  }
  public var maxHeaderLength: Int { framing.headerLength }
  /// With checksum offloads where `offloads` has them.
  public var capabilities: LinkCapabilities { ownCapabilities }
  public var hardwareType: HardwareType { framing.hardwareType }
  public let segmentation: SegmentationSupport
  public var holdsPackets: Bool { softwareOffload.holdsPackets }
  public var statistics: LinkStatistics {
    LinkStatistics(received: receiver.tally.snapshot, sent: sender.tally.snapshot + softwareOffload.tally)
  }

  public func addHeader(to packet: inout PacketBuffer) throws(LinkError) { try framing.addHeader(to: &packet) }
  public func parseHeader(of packet: inout PacketBuffer) -> Bool { framing.parseHeader(of: &packet) }

  // MARK: Lifecycle

  public var isAttached: Bool { runner.isAttached }
  public func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try runner.attach(dispatcher, self) }
  public func detach() { runner.detach(self) }
  public func close() { runner.close(.requested, self) }
  public func wait() throws(LinkError) { try runner.wait() }
  public func setCloseAction(_ action: (@Sendable () -> Void)?) { runner.setCloseAction(action) }
  public func step() -> LinkStep { runner.step(self) }
  public func prepareToWait(addingTo plan: inout LinkWaitPlan) -> Bool { runner.plan(self, &plan) }

  // MARK: Sending

  /// The peer is gone, though packets of it may be left to receive.
  var isPeerGone: Bool { goneFlag.load(ordering: .relaxed) }
  func peerIsGone() { goneFlag.store(true, ordering: .relaxed) }

  @discardableResult public func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int {
    guard runner.isAttached else { throw runner.refusal() }
    if isPeerGone { throw LinkCloseReason.peerDisconnected.error }
    guard softwareOffload.passes(packets, offloads) else { return try writeCut(packets) }
    // The usual way, once a batch: nothing is retained for it.
    let result = sender.send(packets, limits)
    if result.count > 0, result.sequel.isEmpty { return result.count }
    return try conclude(result, of: packets.count)
  }

  /// Packets that have to be cut or summed first.
  @inline(never) private func writeCut(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int {
    var write = plainWrite
    var result = SendResult(count: softwareOffload.write(packets, by: &write), sequel: write.sequel)
    if result.count < packets.count, softwareOffload.isRoomOwed { result.sequel.insert(.wakesDriver) }
    return try conclude(result, of: packets.count)
  }

  /// Does what is due after a write, under no lock, and says what its caller hears.
  @inline(never) private func conclude(_ result: SendResult, of packetCount: Int) throws(LinkError) -> Int {
    if result.sequel.contains(.ring) { sender.ring() }
    if result.sequel.contains(.broken) { endIfBroken() }
    if result.sequel.contains(.wakesDriver) { runner.ringBell() }
    if result.count > 0 || packetCount == 0 { return result.count }
    let isOver = !result.sequel.isDisjoint(with: [.broken, .released])
    throw isOver ? runner.refusal() : LinkError(.wouldBlock, "the peer's queue is full")
  }

  /// Whether the peer has taken everything that was sent. It becomes true as the peer goes on; nothing announces it.
  public var isDrained: Bool {
    let isDrained = !softwareOffload.holdsPackets && sender.isDrained()
    // Whoever waits for it would wait for ever.
    if !isDrained { endIfBroken() }
    return isDrained
  }

  /// Ends the link if the peer broke something of the sender's.
  @discardableResult func endIfBroken() -> Bool {
    guard let failure = sender.failure else { return false }
    runner.close(.failed(failure), self)
    return true
  }
}
