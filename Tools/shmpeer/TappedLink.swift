package import LinkCore

/// A link that is another one, with something done on the way: packets cut to their own length, the end told to somebody
/// who is not its dispatcher.
final class TappedLink: DrivenLink {
  let inner: any DrivenLink
  private let trims: Bool
  private let progress: Progress?

  /// `trims`: cut received IP packets to the length that they claim. `progress`: ends with the link.
  init(_ inner: any DrivenLink, trims: Bool, progress: Progress?) {
    self.inner = inner
    self.trims = trims
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
    try inner.attach(Tap(dispatcher, trims: trims, progress: progress))
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
    private let trims: Bool
    private let progress: Progress?

    init(_ next: any LinkDispatcher, trims: Bool, progress: Progress?) {
      self.next = next
      self.trims = trims
      self.progress = progress
    }

    func deliverPackets(_ packets: inout PacketBatch) {
      if trims {
        for index in 0..<packets.count { packets.modify(index) { IPLength.trim(&$0) } }
      }
      next.deliverPackets(&packets)
    }
    func linkHasRoom() { next.linkHasRoom() }
    func linkDidClose(_ reason: LinkCloseReason) {
      // First: a bridge closes the other link as it is told, whose end is not the reason of this one.
      progress?.end(reason)
      next.linkDidClose(reason)
    }
  }
}

/// The length that an IP packet says it has.
package enum IPLength {
  /// Cuts a packet that is longer than it says, and leaves alone what is no IP packet.
  package static func trim(_ packet: inout PacketBuffer) {
    if let byteCount = packet.withBytes({ claimed($0) }) { packet.trim(toByteCount: byteCount) }
  }

  /// Bytes in all; nil where the packet is no IP packet, or claims less than its own header.
  static func claimed(_ bytes: Span<UInt8>) -> Int? {
    guard bytes.count >= 20 else { return nil }
    switch bytes[0] >> 4 {
    case 4:
      let byteCount = Int(bytes[2]) << 8 | Int(bytes[3])
      return byteCount >= 20 ? byteCount : nil
    case 6 where bytes.count >= 40:
      // A payload of 0 is a jumbogram's, whose length is elsewhere.
      let payload = Int(bytes[4]) << 8 | Int(bytes[5])
      return payload > 0 ? 40 + payload : nil
    default: return nil
    }
  }
}
