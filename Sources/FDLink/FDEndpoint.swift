import Eventfd
public import LinkCore
import LinkSystem
import Synchronization

/// A link over a descriptor that keeps packet boundaries: a TUN or TAP device, a packet socket, a connected Unix datagram
/// or seqpacket socket, a connected UDP socket. One system call moves one frame, or many.
///
/// Or over several descriptors of one kind, each with a thread of its own, such as the queues of a device. A packet to be
/// sent goes to the descriptor that its flow hash chooses: `PacketFacts.flowHash`, or one computed over addresses, protocol
/// and ports. So a flow stays in order. What comes in stays in order on each descriptor. Callbacks come one at a time unless
/// `LinkDispatcher.takesConcurrentCalls`. `writePackets` takes packets up to the first one whose descriptor is full;
/// `statistics` are sums. The end of one descriptor is the end of the link.
///
/// `FDOptions.processorsPerChannel` has further threads deliver what one descriptor brings.
///
/// Close it when done: an attached link goes on, and keeps its threads, even when nobody holds it.
public final class FDEndpoint: LinkEndpoint, DrivenLink {
  let group: DescriptorGroup
  /// The name of the TUN or TAP device behind the descriptor; nil for a socket.
  public let deviceName: String?
  /// The index of the interface behind the descriptor: the one that a packet socket is bound to, or the device's, looked up
  /// by its name in the network namespace of the thread that made the link. Nil for other sockets, and of several packet
  /// sockets that of the first.
  public let interfaceIndex: Int?
  private let options: LinkOptions
  let offloading: Offloading

  /// Takes over an open descriptor, and makes it non-blocking and close-on-exec. If it throws, the descriptor stays the
  /// caller's, as it was.
  ///
  /// A device or packet socket whose packets come behind virtio-net headers keeps them: see `offloads`. A device is told
  /// which offloads are wanted.
  ///
  /// A TAP device needs `options.linkAddress`, a TUN device must not have one; a socket carries whichever the other end
  /// expects.
  ///
  /// Throws `badDescriptor` for what carries no packets (a regular file, a stream or listening socket, a descriptor that
  /// is not open), `invalidArgument` for options that do not fit, `system` when the kernel has no descriptors left.
  public convenience init(
    takingOwnershipOf descriptor: Int32, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) {
    try self.init(takingOwnershipOf: [descriptor], options: options, fdOptions: fdOptions)
  }

  /// The same with several descriptors: sockets of one family, or queues of one device. Packet sockets are joined to a
  /// fanout group as `fdOptions.fanout` says; that cannot be undone if it throws after that. A link that its owner drives
  /// (`LinkOptions.Drive.caller`) has one descriptor.
  public init(
    takingOwnershipOf descriptors: [Int32], options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) {
    try options.validate()
    if descriptors.count > 1, options.drive == .caller {
      throw LinkError(
        .invalidArgument,
        "\(descriptors.count) descriptors: a link that is driven by its caller has one; make several links")
    }
    if fdOptions.processorCount > 0, options.drive == .caller {
      throw LinkError(
        .invalidArgument,
        "\(fdOptions.processorsPerChannel) processors per channel: a link that is driven by its caller has no threads; set 1"
      )
    }
    let options = try Self.share(options, among: descriptors.count)
    let kind = try AdoptedDescriptor.check(descriptors, isEthernet: options.linkAddress != nil)
    let headerByteCount = try AdoptedDescriptor.virtioNetHeaderByteCount(descriptors, kind)
    if headerByteCount == 0 { try options.validateWithoutVirtioNetHeader() }
    try fdOptions.validate(hasVirtioNetHeader: headerByteCount > 0)
    let offloading = Offloading(headerByteCount: headerByteCount, options)
    if kind != .device { for number in descriptors { try AdoptedDescriptor.setBuffers(of: number, fdOptions) } }
    let framing = LinkFraming(address: options.linkAddress, trimsPadding: options.trimsPadding)
    var links: [DescriptorLink] = []
    do throws(LinkError) {
      for (index, number) in descriptors.enumerated() {
        let name = descriptors.count == 1 ? "fd-link" : "fd-link-\(index)"
        links.append(try DescriptorLink(number, kind, name: name, framing, offloading, options, fdOptions))
      }
      if kind == .packetSocket, descriptors.count > 1 { try fdOptions.fanout?.join(descriptors) }
      do throws(SystemError) { try offloading.grant(options, descriptors[0], kind) } catch { throw LinkError(error) }
    } catch {
      for link in links { link.disown() }
      throw error
    }
    deviceName = kind == .device ? NetworkDevice.attached(to: descriptors[0])?.name : nil
    interfaceIndex = AdoptedDescriptor.interfaceIndex(of: descriptors[0], kind, deviceName)
    self.options = options
    self.offloading = offloading
    group = DescriptorGroup(links)
  }

  /// The batch of an idle descriptor keeps its chunks: were they all that a pool has, the others would wait for ever.
  private static func share(_ options: LinkOptions, among count: Int) throws(LinkError) -> LinkOptions {
    guard count > 1, let pool = options.pool else { return options }
    guard pool.capacity >= count else {
      throw LinkError(
        .invalidArgument, "a pool of \(pool.capacity) chunks for \(count) descriptors: each needs one at least")
    }
    var options = options
    options.batchCapacity = min(options.batchCapacity, pool.capacity / count)
    return options
  }

  // MARK: Properties

  /// The largest packet in network-layer bytes; larger ones are dropped in both directions, and counted as `oversize`. A
  /// value outside `LinkOptions.mtuRange` is brought into it. The MTU of a device is not changed.
  ///
  /// Received packets that the MTU allows and the chunks of `LinkOptions.pool` do not hold are counted as `truncated`.
  public var mtu: Int {
    get { group.mtu }
    set {
      let range = LinkOptions.mtuRange
      group.mtu = min(max(newValue, range.lowerBound), range.upperBound)
    }
  }
  public var linkAddress: LinkAddress? {
    get { group.lead.framing.linkAddress }
    set { group.lead.framing.linkAddress = newValue }
  }
  public var maxHeaderLength: Int { group.lead.framing.headerLength }
  public var hardwareType: HardwareType { group.lead.framing.hardwareType }
  /// As the options say; by the `host` as long as the kernel grants a kind of it, see `offloads`.
  public var segmentation: SegmentationSupport { offloading.segmentation(options.segmentation) }
  /// With checksum offloads where `offloads` has them.
  public var capabilities: LinkCapabilities {
    options.capabilities.union(offloads.capabilities).union(options.linkAddress == nil ? [] : .resolutionRequired)
  }
  /// What packets may leave to whoever is behind the link: of `LinkOptions.offloads`, what the kernel granted. It becomes
  /// less if the kernel refuses later what it granted, which is counted as `offloadRefusal`. Empty without virtio-net headers.
  public var offloads: OffloadSupport { offloading.offloads }
  public var holdsPackets: Bool { group.links.contains { $0.holdsPackets } }
  public var statistics: LinkStatistics { group.statistics }

  // MARK: Lifecycle

  public var isAttached: Bool { group.runner.isAttached }
  public func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try group.attach(dispatcher) }
  public func detach() { group.detach() }
  public func close() { group.close(.requested) }
  public func wait() throws(LinkError) { try group.wait() }
  public func setCloseAction(_ action: (@Sendable () -> Void)?) { group.runner.setCloseAction(action) }

  // MARK: Packets

  public func addHeader(to packet: inout PacketBuffer) throws(LinkError) {
    try group.lead.framing.addHeader(to: &packet)
  }
  public func parseHeader(of packet: inout PacketBuffer) -> Bool { group.lead.framing.parseHeader(of: &packet) }
  @discardableResult
  public func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int { try group.write(packets) }

  // MARK: Driving

  public func step() -> LinkStep { group.runner.step(group) }
  public func prepareToWait(addingTo plan: inout LinkWaitPlan) -> Bool { group.runner.plan(group, &plan) }
}
