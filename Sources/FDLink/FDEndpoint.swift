import Eventfd
public import LinkCore
import LinkSystem
import Synchronization

/// A link over a descriptor that keeps packet boundaries: a TUN or TAP device, a packet socket, a connected Unix datagram
/// or seqpacket socket, a connected UDP socket. One system call moves one frame.
///
/// Close it when done: an attached link goes on, and keeps its thread, even when nobody holds it.
public final class FDEndpoint: LinkEndpoint, DrivenLink {
  private let link: DescriptorLink
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
  public init(
    takingOwnershipOf descriptor: Int32, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) {
    try options.validate()
    try options.validateWithoutVirtioNetHeader()
    try fdOptions.validate()
    let runner = try LinkRunner(name: "fd-link", options: options)
    let kind = try AdoptedDescriptor.check(descriptor, isEthernet: options.linkAddress != nil)
    if kind != .device { try AdoptedDescriptor.setBuffers(of: descriptor, fdOptions) }
    let plan = try ReceivePlan(fdOptions, descriptor, kind, frameLimit: options.frameByteCount)
    // The last that can throw: from here on the descriptor is the link's.
    let adopted = try AdoptedDescriptor(preparing: descriptor, kind)
    deviceName = kind == .device ? NetworkDevice.attached(to: descriptor)?.name : nil
    segmentation = options.segmentation
    capabilities = options.capabilities.union(options.linkAddress == nil ? [] : .resolutionRequired)
    link = DescriptorLink(adopted, plan, runner, options, fdOptions)
  }

  // MARK: Properties

  /// The largest packet in network-layer bytes; larger ones are dropped in both directions, and counted as `oversize`. A
  /// value outside `LinkOptions.mtuRange` is brought into it. The MTU of a device is not changed.
  ///
  /// Received packets that the MTU allows and the chunks of `LinkOptions.pool` do not hold are counted as `truncated`.
  public var mtu: Int {
    get { link.mtu.load(ordering: .relaxed) }
    set {
      let range = LinkOptions.mtuRange
      link.mtu.store(min(max(newValue, range.lowerBound), range.upperBound), ordering: .relaxed)
    }
  }
  public var linkAddress: LinkAddress? {
    get { link.framing.linkAddress }
    set { link.framing.linkAddress = newValue }
  }
  public var maxHeaderLength: Int { link.framing.headerLength }
  public var hardwareType: HardwareType { link.framing.hardwareType }
  public let segmentation: SegmentationSupport
  public var statistics: LinkStatistics { link.statistics }

  // MARK: Lifecycle

  public var isAttached: Bool { link.runner.isAttached }
  public func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try link.runner.attach(dispatcher, link) }
  public func detach() { link.runner.detach(link) }
  public func close() { link.runner.close(.requested, link) }
  public func wait() throws(LinkError) { try link.runner.wait() }
  public func setCloseAction(_ action: (@Sendable () -> Void)?) { link.runner.setCloseAction(action) }

  // MARK: Packets

  public func addHeader(to packet: inout PacketBuffer) throws(LinkError) { try link.framing.addHeader(to: &packet) }
  public func parseHeader(of packet: inout PacketBuffer) -> Bool { link.framing.parseHeader(of: &packet) }
  @discardableResult
  public func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int { try link.write(packets) }

  // MARK: Driving

  public func step() -> LinkStep { link.runner.step(link) }
  public func prepareToWait() -> LinkWaitPlan? { link.runner.plan(link) }
}
