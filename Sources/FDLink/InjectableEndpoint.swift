public import LinkCore

/// A link that sends to a descriptor and receives only what its owner injects: for stacks whose input comes another way than
/// their output. What arrives on the descriptor is left there; that the other end goes ends the link.
///
/// Everything else is as with `FDEndpoint`.
public final class InjectableEndpoint: LinkEndpoint, DrivenLink {
  let link: FDEndpoint

  /// As `FDEndpoint.init(takingOwnershipOf:options:fdOptions:)`; the options of receiving have no effect. What is
  /// injected is delivered by the thread that injects, not by processors.
  public init(
    takingOwnershipOf descriptor: Int32, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) {
    var fdOptions = fdOptions
    fdOptions.isDeaf = true
    link = try FDEndpoint(takingOwnershipOf: descriptor, options: options, fdOptions: fdOptions)
  }

  /// Delivers packets as if they had just arrived: whole frames, link header included where the link has one. They are
  /// judged and counted as received ones are, and dropped where those would be. It returns when the dispatcher has returned;
  /// what that did not take is still in the batch. Several threads may call; the callbacks come one at a time.
  ///
  /// Throws `notAttached` or `closed`; `wouldDeadlock` from inside a callback of this link.
  public func inject(_ packets: inout PacketBatch) throws(LinkError) { try link.group.inject(&packets) }

  public var mtu: Int {
    get { link.mtu }
    set { link.mtu = newValue }
  }
  public var linkAddress: LinkAddress? {
    get { link.linkAddress }
    set { link.linkAddress = newValue }
  }
  public var maxHeaderLength: Int { link.maxHeaderLength }
  public var capabilities: LinkCapabilities { link.capabilities }
  public var hardwareType: HardwareType { link.hardwareType }
  public var segmentation: SegmentationSupport { link.segmentation }
  public var offloads: OffloadSupport { link.offloads }
  public var holdsPackets: Bool { link.holdsPackets }
  public var statistics: LinkStatistics { link.statistics }
  public var isAttached: Bool { link.isAttached }

  public func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try link.attach(dispatcher) }
  public func detach() { link.detach() }
  public func close() { link.close() }
  public func wait() throws(LinkError) { try link.wait() }
  public func setCloseAction(_ action: (@Sendable () -> Void)?) { link.setCloseAction(action) }

  public func addHeader(to packet: inout PacketBuffer) throws(LinkError) { try link.addHeader(to: &packet) }
  public func parseHeader(of packet: inout PacketBuffer) -> Bool { link.parseHeader(of: &packet) }
  @discardableResult
  public func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int { try link.writePackets(packets) }

  public func step() -> LinkStep { link.step() }
  public func prepareToWait(addingTo plan: inout LinkWaitPlan) -> Bool { link.prepareToWait(addingTo: &plan) }
}
