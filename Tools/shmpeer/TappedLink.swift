import LinkCore

/// A link that is another one, whose end somebody hears of who is not its dispatcher.
final class TappedLink: DrivenLink {
  let inner: any DrivenLink
  private let progress: Progress

  /// `progress`: ends with the link.
  init(_ inner: any DrivenLink, progress: Progress) {
    self.inner = inner
    self.progress = progress
  }

  var mtu: Int {
    get { inner.mtu }
    set { inner.mtu = newValue }
  }
  var linkAddress: LinkAddress? {
    get { inner.linkAddress }
    set { inner.linkAddress = newValue }
  }
  var maxHeaderLength: Int { inner.maxHeaderLength }
  var capabilities: LinkCapabilities { inner.capabilities }
  var hardwareType: HardwareType { inner.hardwareType }
  var segmentation: SegmentationSupport { inner.segmentation }
  var statistics: LinkStatistics { inner.statistics }
  var isAttached: Bool { inner.isAttached }
  var holdsPackets: Bool { inner.holdsPackets }

  func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) {
    try inner.attach(Tap(dispatcher, progress))
  }
  func detach() { inner.detach() }
  func addHeader(to packet: inout PacketBuffer) throws(LinkError) { try inner.addHeader(to: &packet) }
  func parseHeader(of packet: inout PacketBuffer) -> Bool { inner.parseHeader(of: &packet) }
  func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int { try inner.writePackets(packets) }
  func step() -> LinkStep { inner.step() }
  func prepareToWait(addingTo plan: inout LinkWaitPlan) -> Bool { inner.prepareToWait(addingTo: &plan) }
  func close() { inner.close() }
  func wait() throws(LinkError) { try inner.wait() }
  func setCloseAction(_ action: (@Sendable () -> Void)?) { inner.setCloseAction(action) }

  private final class Tap: LinkDispatcher {
    private let next: any LinkDispatcher
    private let progress: Progress

    init(_ next: any LinkDispatcher, _ progress: Progress) {
      self.next = next
      self.progress = progress
    }

    func deliverPackets(_ packets: inout PacketBatch) { next.deliverPackets(&packets) }
    func linkHasRoom() { next.linkHasRoom() }
    func linkDidClose(_ reason: LinkCloseReason) {
      // First: a bridge closes the other link as it is told, whose end is not the reason of this one.
      progress.end(reason)
      next.linkDidClose(reason)
    }
  }
}
