/// Segments of one flow, in a row, that make one packet: the first with its headers, and the payloads of those behind it.
/// Cut again it gives back all of them.
///
/// These are the rules of the kernel's generic receive offload. Whoever joins packets asks here, be it that they are copied
/// together or handed over in pieces.
package struct SegmentRun: BitwiseCopyable {
  let head: TransportSegment
  package private(set) var count = 1
  /// In network-layer bytes.
  private var byteCount: Int
  /// Nothing may follow a short segment, or one that was pushed.
  private var isOpen: Bool
  private var isPushed: Bool
  /// The first was found intact. Nobody looks before a second one comes.
  private var isHeadIntact = false
  /// All have one identification. They are never fragmented, so it means nothing.
  private var hasFixedIdentification = false

  package init(_ head: TransportSegment) {
    self.head = head
    byteCount = head.byteCount
    isOpen = !head.isPushed
    isPushed = head.isPushed
  }

  /// What IPv4's header can say.
  private static let byteLimit = 0xffff

  /// Adds `next` if it goes on where the row ends. If not, the row has ended: nothing of its flow may be added any more.
  /// `headFrame`: with the headers that it came with.
  package mutating func append(_ next: TransportSegment, _ frame: Span<UInt8>, headFrame: Span<UInt8>) -> Bool {
    isOpen = isOpen && follows(next, headFrame) && next.hasHeaders(of: head, frame, headFrame)
    if !isOpen { return false }
    // Damage stays visible: a damaged segment would pass for a good one with a checksum of the whole packet.
    if !isHeadIntact { isHeadIntact = head.isIntact(headFrame) }
    isOpen = isHeadIntact && next.isIntact(frame)
    if !isOpen { return false }
    if count == 1 { hasFixedIdentification = isFixed(next, headFrame) }
    count += 1
    byteCount += next.payloadByteCount
    isPushed = next.isPushed
    isOpen = !isPushed && next.payloadByteCount == head.payloadByteCount
    return true
  }

  private func follows(_ next: TransportSegment, _ headFrame: Span<UInt8>) -> Bool {
    guard next.flow == head.flow, next.payloadByteCount <= head.payloadByteCount,
      byteCount + next.payloadByteCount <= Self.byteLimit
    else { return false }
    if head.layout.transport == .tcp {
      let expected = head.sequence &+ UInt32(truncatingIfNeeded: byteCount - headerByteCount)
      if next.sequence != expected { return false }
    }
    if head.layout.isIPv6 { return true }
    // The second one decides which way it is.
    let isFixed = count == 1 ? isFixed(next, headFrame) : hasFixedIdentification
    return next.identification == (isFixed ? head.identification : head.identification &+ UInt16(count))
  }

  private func isFixed(_ next: TransportSegment, _ headFrame: Span<UInt8>) -> Bool {
    next.identification == head.identification && !head.layout.isIPv6
      && headFrame[head.layout.networkStart + 6] & 0x40 != 0
  }

  // MARK: The packet

  /// Network and transport header.
  private var headerByteCount: Int { head.layout.payloadStart - head.layout.networkStart }
  private var networkHeaderByteCount: Int { head.layout.transportStart - head.layout.networkStart }

  /// Of the packet that the row makes.
  package var offload: PacketOffload {
    var offload = PacketOffload()
    switch head.layout.transport {
    case .udp: offload.segmentation = .udp
    case .tcp: offload.segmentation = head.layout.isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4
    }
    offload.checksum = .needed
    offload.checksumStart = UInt16(truncatingIfNeeded: networkHeaderByteCount)
    offload.checksumOffset = UInt16(truncatingIfNeeded: head.layout.transport.checksumOffset)
    offload.segmentByteCount = UInt16(truncatingIfNeeded: head.payloadByteCount)
    offload.headerByteCount = UInt16(truncatingIfNeeded: headerByteCount)
    offload.hasFixedIdentification = hasFixedIdentification
    return offload
  }

  /// Where the payload begins in each of the frames.
  package var payloadStart: Int { head.layout.payloadStart }

  /// Makes the headers of the first those of the packet. The network header is at `network`; what is behind the headers is
  /// left as it is.
  package func complete(_ headers: inout MutableSpan<UInt8>, at network: Int = 0) {
    let transport = network + networkHeaderByteCount
    let transportByteCount = byteCount - networkHeaderByteCount
    if head.layout.isIPv6 {
      headers.store(UInt16(truncatingIfNeeded: transportByteCount), at: network + 4)
    } else {
      headers.store(UInt16(truncatingIfNeeded: byteCount), at: network + 2)
      headers.store(0 as UInt16, at: network + 10)
      var sum = InternetChecksum()
      sum.add(headers.span.extracting(network..<transport))
      headers.store(sum.checksum, at: network + 10)
    }
    switch head.layout.transport {
    case .udp: headers.store(UInt16(truncatingIfNeeded: transportByteCount), at: transport + 4)
    case .tcp: if isPushed { headers[transport + 13] |= TransportSegment.pushFlag }
    }
    var sum = InternetChecksum()
    sum.addPseudoHeader(
      addresses: headers.span.extracting(network + (head.layout.isIPv6 ? 8 : 12)..<transport),
      protocol: head.layout.transport.rawValue, byteCount: transportByteCount)
    headers.store(sum.sum, at: transport + head.layout.transport.checksumOffset)
  }
}
