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
/// Close it when done: an attached link goes on, and keeps its threads, even when nobody holds it.
public final class FDEndpoint: LinkEndpoint, DrivenLink {
  let group: DescriptorGroup
  /// The name of the TUN or TAP device behind the descriptor; nil for a socket.
  public let deviceName: String?
  public let capabilities: LinkCapabilities

  /// Takes over an open descriptor, and makes it non-blocking and close-on-exec. If it throws, the descriptor stays the
  /// caller's, as it was.
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
    try options.validateWithoutVirtioNetHeader()
    try fdOptions.validate()
    if descriptors.count > 1, options.drive == .caller {
      throw LinkError(
        .invalidArgument,
        "\(descriptors.count) descriptors: a link that is driven by its caller has one; make several links")
    }
    let kind = try AdoptedDescriptor.check(descriptors, isEthernet: options.linkAddress != nil)
    if kind != .device { for number in descriptors { try AdoptedDescriptor.setBuffers(of: number, fdOptions) } }
    let framing = LinkFraming(address: options.linkAddress)
    var links: [DescriptorLink] = []
    do throws(LinkError) {
      for (index, number) in descriptors.enumerated() {
        let name = descriptors.count == 1 ? "fd-link" : "fd-link-\(index)"
        links.append(try DescriptorLink(number, kind, name: name, framing, options, fdOptions))
      }
      if kind == .packetSocket, descriptors.count > 1 { try fdOptions.fanout?.join(descriptors) }
    } catch {
      for link in links { link.disown() }
      throw error
    }
    deviceName = kind == .device ? NetworkDevice.attached(to: descriptors[0])?.name : nil
    segmentation = options.segmentation
    capabilities = options.capabilities.union(options.linkAddress == nil ? [] : .resolutionRequired)
    group = DescriptorGroup(links)
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
  public let segmentation: SegmentationSupport
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
  public func prepareToWait() -> LinkWaitPlan? { group.runner.plan(group) }
}
