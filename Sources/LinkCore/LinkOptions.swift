/// What both kinds of link are made with. Every field has a default that suits a packet link of ordinary size.
public struct LinkOptions: Sendable {
  /// Who moves a link along.
  public enum Drive: Sendable {
    /// A thread of its own, from `attach` to `detach` or the end.
    case thread
    /// The owner, who calls `step()` and waits as `prepareToWait()` says: to share a thread among links, or to run in an
    /// event loop.
    case caller
  }

  /// The MTUs that a link can have, in network-layer bytes.
  public static let mtuRange = 68...65536

  /// The largest packet in network-layer bytes, the link header not counted.
  public var mtu = 1500
  /// This end's address. Set: frames have Ethernet headers. Nil: they are bare IP packets.
  public var linkAddress: LinkAddress?
  /// How many packets one delivery has at most: 1 to 64.
  public var batchCapacity = 32
  /// How long an idle link may look for packets before it sleeps; it does so only while recent waits were short. Zero
  /// for links that share their CPUs with busy threads.
  public var spin: Duration = .microseconds(50)
  /// Where received packets live. Nil: a pool of the link's own, with room for four batches, and for the queues of
  /// processors where a link has them.
  public var pool: PacketPool?
  public var drive = Drive.thread
  /// Facts that the owner states of what is behind the link: checksum offloads, save and restore.
  public var capabilities: LinkCapabilities = []
  /// Whether packets with segmentation facts may be larger than the MTU. `host`: whoever is behind the link cuts them,
  /// as the owner knows; only for links with virtio-net headers, which carry those facts. `software`: the link cuts them.
  ///
  /// By the `host`, larger ones than `maxByteCount` are dropped as `oversize` in both directions. The kernel fills packets
  /// of up to 65,535 bytes to a device, or to the interface of a packet socket: with less, TCP streams stand still, unless
  /// the interface was told (`ip link set NAME gso_max_size N`).
  public var segmentation = SegmentationSupport.none
  /// What a link with virtio-net headers hands on, and brings: less than everything switches the rest off. The kinds of
  /// segmentation count only with `segmentation` by the `host`; without virtio-net headers none counts. What is off the
  /// link does itself as it sends.
  public var offloads = OffloadSupport.all

  /// Received IP packets are cut to the length that they say they have; behind a VLAN tag they stay as they are. For peers that
  /// pad what they send, as gVisor's shared-memory server does: a padded packet may be larger than the MTU, which no link
  /// takes for sending. Over descriptors such a packet is dropped before, as `oversize`.
  public var trimsPadding = false

  public init(mtu: Int = 1500, linkAddress: LinkAddress? = nil) {
    self.mtu = mtu
    self.linkAddress = linkAddress
  }

  /// Throws `invalidArgument` for what no link can be made with.
  package func validate() throws(LinkError) {
    try Self.validate(mtu: mtu)
    guard (1...64).contains(batchCapacity) else {
      throw LinkError(.invalidArgument, "batch capacity \(batchCapacity): must be 1 to 64")
    }
    if segmentation.kind != .none, !(mtu...Self.mtuRange.upperBound).contains(segmentation.maxByteCount) {
      throw LinkError(
        .invalidArgument,
        "segmentation of packets of \(segmentation.maxByteCount) bytes: must be the mtu, \(mtu), to \(Self.mtuRange.upperBound)"
      )
    }
    guard spin >= .zero && spin <= .milliseconds(10) else {
      throw LinkError(.invalidArgument, "spin \(spin): must be 0 to 10 milliseconds")
    }
    if let linkAddress, linkAddress.isMulticast || linkAddress.bits == 0 {
      throw LinkError(.invalidArgument, "link address \(linkAddress): must be the address of one interface")
    }
    if let pool, pool.chunkByteCount < PacketBuffer.defaultHeadroom + frameByteCount {
      throw LinkError(
        .invalidArgument,
        "pool chunks of \(pool.chunkByteCount) bytes: packets of \(mostByteCount) bytes need \(PacketBuffer.defaultHeadroom + frameByteCount)"
      )
    }
  }

  package static func validate(mtu: Int) throws(LinkError) {
    guard mtuRange.contains(mtu) else {
      throw LinkError(.invalidArgument, "mtu \(mtu): must be \(mtuRange.lowerBound) to \(mtuRange.upperBound)")
    }
  }

  /// Throws `invalidArgument` if senders are promised what only a link with virtio-net headers can do.
  package func validateWithoutVirtioNetHeader() throws(LinkError) {
    if segmentation.kind == .host {
      throw LinkError(.invalidArgument, "segmentation by the host needs a link with virtio-net headers")
    }
  }

  /// What a link made with these options hands on.
  package func offloads(hasVirtioNetHeader: Bool) -> OffloadSupport {
    guard hasVirtioNetHeader, offloads.contains(.checksum) else { return [] }
    return segmentation.kind == .host ? offloads : .checksum
  }

  /// The largest packet that goes over the link, in network-layer bytes.
  private var mostByteCount: Int { segmentation.kind == .host ? segmentation.maxByteCount : mtu }

  /// The largest frame, link header included.
  package var frameByteCount: Int { mostByteCount + (linkAddress == nil ? 0 : EthernetHeader.byteCount) }

  /// The pool that was given, or a new one. A frame of the largest MTU fits in its chunks, so that the MTU can be raised
  /// later; chunks that no large packet touches cost address space only. `waitingCount`: how many packets may wait between
  /// threads of the link.
  package func makePool(waitingCount: Int = 0) -> PacketPool {
    let frame = LinkOptions.mtuRange.upperBound + EthernetHeader.byteCount
    return pool ?? PacketPool(frameByteCount: frame, capacity: 4 * batchCapacity + waitingCount)
  }
}
