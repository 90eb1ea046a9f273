/// A TCP segment with nothing but data, or a UDP datagram: one of those that a larger packet can be cut into. Its lengths
/// were checked against the bytes that there are.
package struct TransportSegment: BitwiseCopyable {
  let flow: FlowKey
  let layout: TransportLayout
  /// TCP's; 0 for UDP.
  let sequence: UInt32
  /// IPv4's; 0 for IPv6.
  let identification: UInt16
  /// Its sender wants it delivered now: nothing follows it in one packet. PSH.
  let isPushed: Bool
  /// What is known of the transport checksum.
  let checksum: PacketOffload.Checksum

  var payloadByteCount: Int { layout.payloadEnd - layout.payloadStart }
  /// Of the network layer.
  var byteCount: Int { layout.payloadEnd - layout.networkStart }

  /// Nil for what is whole only as it is: other flags, options and extension headers of IP, a row already, padding,
  /// damaged headers, nothing behind them.
  init?(_ frame: Span<UInt8>, _ layout: TransportLayout, _ flow: FlowKey, _ offload: PacketOffload) {
    let (network, transport) = (layout.networkStart, layout.transportStart)
    guard layout.payloadStart < layout.payloadEnd, layout.payloadEnd == frame.count, offload.segmentation == .none,
      transport - network == (layout.isIPv6 ? 40 : 20)
    else { return nil }
    if offload.checksum == .needed {
      // The checksum that is left to be computed is the one that there is.
      guard network + Int(offload.checksumStart) == transport,
        Int(offload.checksumOffset) == layout.transport.checksumOffset
      else { return nil }
    }
    self.flow = flow
    self.layout = layout
    checksum = offload.checksum
    if layout.isIPv6 {
      identification = 0
    } else {
      let dontFragment: UInt16 = 0x4000
      var sum = InternetChecksum()
      sum.add(frame.extracting(network..<transport))
      guard frame.word16(at: network + 6) & ~dontFragment == 0, sum.sum == 0xffff else { return nil }
      identification = frame.word16(at: network + 4)
    }
    switch layout.transport {
    case .udp: (sequence, isPushed) = (0, false)
    case .tcp:
      // ACK alone, or with PSH: each of the others means something at one place in the stream.
      let flags = frame[transport + 13]
      guard flags & ~Self.pushFlag == 0x10 else { return nil }
      sequence = frame.word32(at: transport + 4)
      isPushed = flags & Self.pushFlag != 0
    }
  }

  static let pushFlag: UInt8 = 0x08

  /// Whether the transport checksum is right, or somebody vouches for it. A datagram without a checksum is not: it would
  /// come back with one.
  func isIntact(_ frame: Span<UInt8>) -> Bool {
    let field = frame.word16(at: layout.transportStart + layout.transport.checksumOffset)
    if layout.transport == .udp, field == 0 { return false }
    if checksum == .verified { return true }
    var sum = InternetChecksum()
    sum.addPseudoHeader(
      addresses: frame.extracting(layout.addresses), protocol: layout.transport.rawValue,
      byteCount: layout.payloadEnd - layout.transportStart)
    if checksum == .needed { return field == sum.sum }
    sum.add(frame.extracting(layout.transportStart..<layout.payloadEnd))
    return sum.sum == 0xffff
  }

  /// Whether two segments of one flow have the same headers, as far as they are not counted on from one to the next: those
  /// are lengths, checksums, IPv4's identification and TCP's sequence. A row has the headers of its first.
  func hasHeaders(of other: TransportSegment, _ frame: Span<UInt8>, _ otherFrame: Span<UInt8>) -> Bool {
    guard layout.payloadStart == other.layout.payloadStart else { return false }
    func areSame(_ part: Range<Int>) -> Bool {
      for index in part where frame[index] != otherFrame[index] { return false }
      return true
    }
    let (network, transport) = (layout.networkStart, layout.transportStart)
    guard areSame(0..<network) else { return false }
    if layout.isIPv6 {
      // Traffic class and flow label; hop limit.
      guard areSame(network..<network + 4), areSame(network + 6..<network + 8) else { return false }
    } else {
      // Type of service; don't fragment, time to live.
      guard areSame(network..<network + 2), areSame(network + 6..<network + 10) else { return false }
    }
    // Acknowledgement; window; urgent pointer and options. The flags are those of data in both.
    return layout.transport == .udp
      || areSame(transport + 8..<transport + 13) && areSame(transport + 14..<transport + 16)
        && areSame(transport + 18..<layout.payloadStart)
  }
}
