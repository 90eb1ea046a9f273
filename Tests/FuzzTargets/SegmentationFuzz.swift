import LinkCore
import LinkTestSupport

/// A packet with any facts, to be cut or to get its checksum.
///
/// Segments are as large as was said and no larger than the MTU, few enough, right by their headers and checksums, and
/// carry the payload in order.
enum SegmentationFuzz {
  private static let mostFrame = 4096 + 255 * 64
  private static let pool = PacketPool(frameByteCount: mostFrame, capacity: 1)
  private static let segments = PacketPool(frameByteCount: mostFrame, capacity: 1)

  static func run(_ input: inout FuzzInput) throws(FuzzFailure) {
    let linkHeaderLength = EthernetHeader.byteCount * input.choice(2)
    let mtu = [1500, 68, 65536][input.choice(3)]
    let completesChecksums = input.choice(2) == 0
    var offload = PacketOffload()
    let kinds: [PacketOffload.Segmentation] = [.none, .tcpOverIPv4, .tcpOverIPv6, .udp, .udpFragments]
    offload.segmentation = kinds[input.choice(kinds.count)]
    offload.checksum = [.needed, .complete, .verified][input.choice(3)]
    offload.segmentByteCount = input.number()
    offload.checksumStart = input.number()
    offload.checksumOffset = input.number()
    // Small inputs are found fast: what makes a packet large need not be among them.
    let padding = 64 * Int(input.byte())
    let frame = input.bytes(4096) + [UInt8](repeating: 0, count: padding)
    guard frame.count >= linkHeaderLength else { return }

    var batch = PacketBatch(capacity: 1, pool: pool)
    batch.append { packet in
      packet.append(frame.count) { for index in frame.indices { $0[index] = frame[index] } }
      packet.markLinkHeader(linkHeaderLength)
      packet.facts.offload = offload
    }
    try batch.withPacket(0) { packet throws(FuzzFailure) in try cut(packet, frame, mtu, completesChecksums) }
    let isFinished = batch.modify(0) { packet in
      do throws(OffloadFailure) { try packet.finishChecksum() } catch { return false }
      return true
    }
    let end = linkHeaderLength + Int(offload.checksumStart) + Int(offload.checksumOffset) + 2
    try check(isFinished == (offload.checksum != .needed || end <= frame.count), "finished: \(isFinished)")
  }

  private static func cut(
    _ packet: borrowing PacketBuffer, _ frame: [UInt8], _ mtu: Int, _ completesChecksums: Bool
  ) throws(FuzzFailure) {
    let claimed: Segmenter?
    do throws(OffloadFailure) { claimed = try Segmenter(packet, mtu: mtu) } catch { claimed = nil }
    let linkHeaderLength = packet.linkHeaderLength
    guard var cutter = claimed, let layout = TransportLayout(frame.span, linkHeaderLength: linkHeaderLength) else {
      return
    }
    cutter.completesChecksums = completesChecksums
    try check(cutter.segmentCount <= Segmenter.mostSegments, "\(cutter.segmentCount) segments")
    let size = Int(packet.facts.offload.segmentByteCount)
    var position = layout.payloadStart
    var out = PacketBatch(capacity: 1, pool: segments)
    while !cutter.isDone {
      out.removeAll()
      out.append { cutter.cut(packet, into: &$0) }
      let segment = out.withPacket(0) { segment in segment.withFrame { bytes in bytes.indices.map { bytes[$0] } } }
      try check(segment.count - linkHeaderLength <= mtu, "a segment of \(segment.count) bytes")
      guard let own = TransportLayout(segment.span, linkHeaderLength: linkHeaderLength) else {
        throw FuzzFailure(description: "a segment that is no packet")
      }
      try check(own.payloadStart == layout.payloadStart && own.payloadEnd == segment.count, "other headers")
      let payload = segment[own.payloadStart...]
      try check(payload.count == min(size, layout.payloadEnd - position), "\(payload.count) bytes of payload")
      try check(payload.elementsEqual(frame[position..<position + payload.count]), "another payload")
      position += payload.count
      try checkSums(segment, own, completesChecksums)
    }
    try check(position == layout.payloadEnd, "payload is missing")
  }

  private static func checkSums(
    _ segment: [UInt8], _ layout: TransportLayout, _ isComplete: Bool
  ) throws(FuzzFailure) {
    let transport = segment[layout.transportStart...]
    let pseudo =
      segment[layout.addresses] + InternetPacket.long(UInt32(transport.count)) + [0, 0, 0, layout.transport.rawValue]
    let field = layout.transportStart + layout.transport.checksumOffset
    if isComplete {
      try check(InternetPacket.sum(pseudo + transport) == 0xffff, "a wrong checksum")
      try check(segment[field] != 0 || segment[field + 1] != 0, "no checksum")
    } else {
      let partial = InternetPacket.bytes(InternetPacket.sum(pseudo))
      try check(Array(segment[field..<field + 2]) == partial, "another sum of the pseudo header")
    }
    if layout.isIPv6 { return }
    let header = segment[layout.networkStart..<layout.networkStart + 4 * Int(segment[layout.networkStart] & 15)]
    try check(InternetPacket.sum(header) == 0xffff, "a wrong header checksum")
  }
}
