/// Cuts one packet with segmentation facts into those that a network takes, one after another: in software what
/// `PacketOffload` asks of a device.
///
/// Facts and headers are claims of whoever made the packet, and are checked: a packet that is not what it says is refused,
/// and no packet makes more than `mostSegments`. The packet has to stay as it is until the last segment is cut.
package struct Segmenter: BitwiseCopyable, Sendable {
  /// More than a packet of the largest size makes in segments of 64 bytes.
  package static let mostSegments = 1024

  private let layout: TransportLayout
  private let linkHeaderLength: Int
  private let segmentByteCount: Int
  private let hasFixedIdentification: Bool
  /// False if whoever takes the segments computes checksums: then they say that they need them.
  package var completesChecksums = true
  /// Of the pseudo header, without the length.
  private let pseudoSum: UInt16
  /// Where the next segment's payload begins in the payload.
  private var position = 0
  /// Segments cut.
  private var index = 0

  /// `mtu`: the largest segment in network-layer bytes.
  ///
  /// Throws `malformed` for facts that do not fit the packet, or with too many segments, and for UDP to be cut into IP
  /// fragments, which is not supported; `oversize` for segments larger than the MTU.
  package init(_ packet: borrowing PacketBuffer, mtu: Int) throws(OffloadFailure) {
    let linkHeaderLength = packet.linkHeaderLength
    let layout = packet.withFrame { TransportLayout($0, linkHeaderLength: linkHeaderLength) }
    let offload = packet.facts.offload
    guard let layout, layout.fits(offload, linkHeaderLength: linkHeaderLength), offload.segmentByteCount > 0 else {
      throw OffloadFailure(cause: .malformed)
    }
    self.layout = layout
    self.linkHeaderLength = linkHeaderLength
    segmentByteCount = Int(offload.segmentByteCount)
    hasFixedIdentification = offload.hasFixedIdentification && packet.withFrame(layout.mustNotBeFragmented)
    pseudoSum = packet.withFrame { frame in
      var sum = InternetChecksum()
      sum.addPseudoHeader(
        addresses: frame.extracting(layout.addresses), protocol: layout.transport.rawValue, byteCount: 0)
      return sum.sum
    }
    guard segmentCount <= Self.mostSegments, segmentCount == 1 || packet.withFrame(layout.isDivisible) else {
      throw OffloadFailure(cause: .malformed)
    }
    guard largestByteCount - linkHeaderLength <= mtu else { throw OffloadFailure(cause: .oversize) }
  }

  private var payloadByteCount: Int { layout.payloadEnd - layout.payloadStart }
  /// How many segments the packet makes, one at least.
  package var segmentCount: Int { max(1, (payloadByteCount + segmentByteCount - 1) / segmentByteCount) }
  /// The largest of their frames.
  package var largestByteCount: Int { layout.payloadStart + min(segmentByteCount, payloadByteCount) }
  /// Whether all are cut.
  package var isDone: Bool { index == segmentCount }
  /// Those that are not.
  package var remainingCount: Int { segmentCount - index }

  /// Cuts the next segment off. `segment` becomes it: behind the headroom that it has, in a chunk that has room for
  /// `largestByteCount` behind that. Traps when there is none left.
  package mutating func cut(_ packet: borrowing PacketBuffer, into segment: inout PacketBuffer) {
    precondition(!isDone, "all segments are cut")
    let count = min(segmentByteCount, payloadByteCount - position)
    let payload = layout.payloadStart + position
    segment.reset(headroom: segment.headroom)
    segment.append(0..<layout.payloadStart, of: packet)
    segment.append(payload..<payload + count, of: packet)
    segment.withMutableBytes { frame in
      writeNetworkHeader(&frame)
      writeTransportHeader(&frame, isLast: position + count == payloadByteCount)
    }
    segment.markLinkHeader(linkHeaderLength)
    segment.facts = packet.facts
    segment.facts.offload = offload
    position += count
    index += 1
  }

  // MARK: Headers

  private func writeNetworkHeader(_ frame: inout MutableSpan<UInt8>) {
    let start = layout.networkStart
    if layout.isIPv6 { return frame.store(UInt16(truncatingIfNeeded: frame.count - start - 40), at: start + 4) }
    frame.store(UInt16(truncatingIfNeeded: frame.count - start), at: start + 2)
    if !hasFixedIdentification {
      frame.store(frame.span.word16(at: start + 4) &+ UInt16(truncatingIfNeeded: index), at: start + 4)
    }
    frame.store(0 as UInt16, at: start + 10)
    var sum = InternetChecksum()
    sum.add(frame.span.extracting(start..<start + 4 * Int(frame[start] & 15)))
    frame.store(sum.checksum, at: start + 10)
  }

  private func writeTransportHeader(_ frame: inout MutableSpan<UInt8>, isLast: Bool) {
    let start = layout.transportStart
    let byteCount = UInt16(truncatingIfNeeded: frame.count - start)
    switch layout.transport {
    case .tcp: writeTCPHeader(&frame, isLast: isLast)
    case .udp: frame.store(byteCount, at: start + 4)
    }
    let field = start + layout.transport.checksumOffset
    var sum = InternetChecksum()
    sum.add(pseudoSum)
    sum.add(byteCount)
    frame.store(sum.sum, at: field)
    if completesChecksums { frame.storeChecksum(from: start, at: field) }
  }

  private func writeTCPHeader(_ frame: inout MutableSpan<UInt8>, isLast: Bool) {
    let start = layout.transportStart
    frame.store(frame.span.word32(at: start + 4) &+ UInt32(truncatingIfNeeded: position), at: start + 4)
    if !isLast { frame[start + 13] &= ~TCPFlags.finAndPush }
    if index > 0 { frame[start + 13] &= ~TCPFlags.congestionWindowReduced }
    if frame[start + 13] & TCPFlags.urgent != 0 { writeUrgentPointer(&frame) }
  }

  /// It counts from the segment's own place in the stream, and ends where it points to.
  private func writeUrgentPointer(_ frame: inout MutableSpan<UInt8>) {
    let start = layout.transportStart
    let rest = max(0, Int(frame.span.word16(at: start + 18)) - position)
    frame.store(UInt16(rest), at: start + 18)
    if rest == 0, index > 0 { frame[start + 13] &= ~TCPFlags.urgent }
  }

  private var offload: PacketOffload {
    var offload = PacketOffload()
    if completesChecksums { return offload }
    offload.checksum = .needed
    offload.checksumStart = UInt16(layout.transportStart - linkHeaderLength)
    offload.checksumOffset = UInt16(layout.transport.checksumOffset)
    return offload
  }
}

private enum TCPFlags {
  static let finAndPush: UInt8 = 0x09
  static let congestionWindowReduced: UInt8 = 0x80
  static let urgent: UInt8 = 0x20
  /// SYN and RST mean one place in the stream: what carries them is no row of segments.
  static let synAndReset: UInt8 = 0x06
}

extension TransportLayout {
  /// Whether the packet is of the kind that its facts say, and its checksum where they say.
  fileprivate func fits(_ offload: PacketOffload, linkHeaderLength: Int) -> Bool {
    let isOfKind =
      switch offload.segmentation {
      case .tcpOverIPv4: transport == .tcp && !isIPv6
      case .tcpOverIPv6: transport == .tcp && isIPv6
      case .udp: transport == .udp
      case .none, .udpFragments: false
      }
    if offload.checksum != .needed { return isOfKind }
    return isOfKind && linkHeaderLength + Int(offload.checksumStart) == transportStart
      && Int(offload.checksumOffset) == transport.checksumOffset
  }

  /// Of IPv4: then its identification means nothing. `IP_DF`.
  fileprivate func mustNotBeFragmented(_ frame: Span<UInt8>) -> Bool {
    !isIPv6 && frame[networkStart + 6] & 0x40 != 0
  }

  /// Whether more than one segment can be made of it.
  fileprivate func isDivisible(_ frame: Span<UInt8>) -> Bool {
    transport == .udp || frame[transportStart + 13] & TCPFlags.synAndReset == 0
  }
}
