import Synchronization

/// How a link's frames begin: with an Ethernet header, or at once with IP. Both links frame through this one type.
@usableFromInline package final class LinkFraming: Sendable {
  /// Whether frames have an Ethernet header. Fixed for the link's life.
  @usableFromInline package let isEthernet: Bool
  /// As `LinkOptions.trimsPadding`.
  @usableFromInline package let trimsPadding: Bool
  // 0 is no address: an all-zero source is never valid.
  private let address: Atomic<UInt64>

  package init(address: LinkAddress?, trimsPadding: Bool = false) {
    isEthernet = address != nil
    self.trimsPadding = trimsPadding
    self.address = Atomic(address?.bits ?? 0)
  }

  package var linkAddress: LinkAddress? {
    get { isEthernet ? LinkAddress(bits: address.load(ordering: .relaxed)) : nil }
    set { if isEthernet, let newValue { address.store(newValue.bits, ordering: .relaxed) } }
  }

  @inlinable package var headerLength: Int { isEthernet ? EthernetHeader.byteCount : 0 }
  package var hardwareType: HardwareType { isEthernet ? .ethernet : .none }

  /// As `LinkEndpoint.addHeader(to:)`. The route's source address wins over the link's own; without a destination the
  /// frame goes to everyone.
  package func addHeader(to packet: inout PacketBuffer) throws(LinkError) {
    guard isEthernet else { return }
    guard packet.linkHeaderLength == 0 else { throw LinkError(.invalidArgument, "packet already has a link header") }
    guard packet.headroom >= EthernetHeader.byteCount else {
      throw LinkError(
        .invalidArgument,
        "packet has \(packet.headroom) bytes of headroom, the link header needs \(EthernetHeader.byteCount)")
    }
    let facts = packet.facts
    let type = facts.networkProtocol == .unknown ? packet.ipProtocol : facts.networkProtocol
    let header = EthernetHeader(
      destination: facts.remoteAddress ?? .broadcast,
      source: facts.localAddress ?? LinkAddress(bits: address.load(ordering: .relaxed)), type: type)
    packet.prependLinkHeader(EthernetHeader.byteCount) { header.write(to: &$0) }
  }

  /// As `LinkEndpoint.parseHeader(of:)`. The packet is as it came: nothing marked yet.
  @inlinable @inline(__always)
  package func parseHeader(of packet: inout PacketBuffer) -> Bool {
    if isEthernet {
      guard parseEthernet(&packet) else { return false }
    } else {
      packet.facts.networkProtocol = packet.ipProtocol
    }
    if trimsPadding { packet.trimPadding() }
    return packet.frameByteCount > 0
  }

  @inlinable @inline(__always) func parseEthernet(_ packet: inout PacketBuffer) -> Bool {
    packet.unmarkLinkHeader()
    guard let header = packet.withBytes({ EthernetHeader($0) }) else { return false }
    packet.markLinkHeader(EthernetHeader.byteCount)
    packet.facts.networkProtocol = header.type
    packet.facts.localAddress = header.destination
    packet.facts.remoteAddress = header.source
    return true
  }
}

extension PacketBuffer {
  /// The protocol by the IP version of the first byte behind the link header.
  @inlinable @inline(__always)
  package var ipProtocol: EtherType { withBytes { $0.isEmpty ? .unknown : EtherType(ofIPPacketStartingWith: $0[0]) } }
}
