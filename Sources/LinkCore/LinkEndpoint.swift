/// One end of a link: frames go in by `writePackets`, and come out through a dispatcher.
///
/// **Lifecycle.** A link is *idle* when made, *attached* between `attach` and `detach` (any number of times), *closing*
/// from `close()`, the peer's end or a failure on, and *closed* when its resources are released and its dispatcher was
/// told. Closed is final. While idle, packets wait where they are: in the peer's queue, or in the kernel.
///
/// **Threads.** Every member may be called from any thread, callbacks of this link included, except that `wait()` from
/// one of its own callbacks throws. Callbacks come one at a time, unless the dispatcher says that it takes more.
///
/// **A link that wraps a link is a link**: bridges, tracers and fault injectors conform too.
public protocol LinkEndpoint: AnyObject, Sendable {
  /// The largest packet in network-layer bytes. The link header is not counted.
  var mtu: Int { get set }
  /// This end's address; nil for a link without Ethernet framing. Framing is chosen when the link is made: setting
  /// changes the address, and is ignored by a link that has none.
  var linkAddress: LinkAddress? { get set }
  /// How many bytes a sender leaves free in front of the network header for `addHeader`.
  var maxHeaderLength: Int { get }
  /// What the owner stated of the link when it was made, `resolutionRequired` with Ethernet framing, and checksum offloads
  /// where packets carry facts of them.
  var capabilities: LinkCapabilities { get }
  /// The hardware type that ARP packets name: `ethernet` with Ethernet framing, or none.
  var hardwareType: HardwareType { get }
  /// Whether packets larger than the MTU may be sent, since the link cuts them, or somebody behind it.
  var segmentation: SegmentationSupport { get }
  /// What it did so far: a snapshot without locks. Counters never go back.
  var statistics: LinkStatistics { get }
  /// Whether packets that `writePackets` took wait in here, segments that a full link had no room for: it sends them before
  /// it calls `linkHasRoom()`, and loses them when it is closed. A link that wraps a link says what that one says. False by
  /// default.
  var holdsPackets: Bool { get }
  /// Whether it has a dispatcher: from `attach` to `detach`, or until the link begins to close.
  var isAttached: Bool { get }

  /// Starts delivery to `dispatcher`.
  /// Throws `alreadyAttached`, or `closed`.
  func attach(_ dispatcher: any LinkDispatcher) throws(LinkError)
  /// Stops delivery; the link may be attached again. When it returns no delivery is running, unless it was called
  /// from inside one. Does nothing while not attached.
  func detach()
  /// Puts the link header in front of a packet to be sent: source, destination and protocol from the packet's facts,
  /// where they are set. Does nothing on a link without Ethernet framing.
  /// Throws `invalidArgument` when the packet has no headroom left, or already has a header.
  func addHeader(to packet: inout PacketBuffer) throws(LinkError)
  /// Marks the link header of a frame and stores its facts in the packet. False if there is no whole header.
  func parseHeader(of packet: inout PacketBuffer) -> Bool
  /// Sends a prefix of framed packets, never blocking, and returns how many it took. A packet that can never be sent
  /// (too large, not framed) is taken, and counted as a drop with its cause.
  /// Throws `wouldBlock`, `notAttached` or `closed`, only when it took none; an empty span returns 0.
  @discardableResult func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int
  /// Begins the end: idempotent, never joins, never blocks for long. Delivery stops after the batch under way.
  func close()
  /// Waits until the link is closed and its thread is gone, whoever closed it.
  /// Throws `wouldDeadlock` from inside a callback of this link.
  func wait() throws(LinkError)
  /// Has `action` run when the link is closed, whoever closed it: once, after `linkDidClose`, before `wait()` returns,
  /// and also when nobody is attached. It takes the place of the action before; nil takes that away. On a link that is
  /// closed already it runs at once, from this call; otherwise it counts as one of the link's callbacks.
  func setCloseAction(_ action: (@Sendable () -> Void)?)
}

/// Takes what a link receives. Callbacks come from the thread that drives the link, one at a time. A link with several
/// threads keeps to that too, for dispatchers that do not say otherwise.
public protocol LinkDispatcher: AnyObject, Sendable {
  /// Whether a link with several threads may call `deliverPackets` and `linkHasRoom` from several of them at once. The
  /// packets of one flow come from one thread, and `linkDidClose` comes after everything. False by default. Asked once per
  /// `attach`.
  var takesConcurrentCalls: Bool { get }
  /// Packets arrived: `take` those you keep, the link reuses the rest when this returns.
  func deliverPackets(_ packets: inout PacketBatch)
  /// There is room again: once after a write took fewer packets than it was given, also if a later one took all of its own.
  /// Besides, perhaps, when a link has sent the last segments of packets that it cuts itself and had taken before.
  func linkHasRoom()
  /// The link came to its end: once, after the last delivery.
  func linkDidClose(_ reason: LinkCloseReason)
}

extension LinkDispatcher {
  public var takesConcurrentCalls: Bool { false }
  public func linkHasRoom() {}
  public func linkDidClose(_ reason: LinkCloseReason) {}
}

extension LinkEndpoint {
  public var holdsPackets: Bool { false }

  /// Sends the batch's packets from position `from` on, as `writePackets` does. The batch stays as it is.
  @inlinable @discardableResult
  public func writeBatch(_ batch: borrowing PacketBatch, from: Int = 0) throws(LinkError) -> Int {
    try batch.withPackets { packets throws(LinkError) in
      try writePackets(from == 0 ? packets : packets.extracting(droppingFirst: from))
    }
  }
}
