import LinkCore

/// The headers of a frame that came from outside: taken off and put back they are the same, and what they say lies within
/// the frame.
enum LinkHeaderFuzz {
  private static let pool = PacketPool(frameByteCount: 4096, capacity: 1)

  static func run(_ content: [UInt8]) throws(FuzzFailure) {
    for linkHeaderLength in [0, EthernetHeader.byteCount] { try checkOffload(content, linkHeaderLength) }
    let frame = Array(content.prefix(4096))
    for framing in [LinkFraming(address: LinkAddress(2, 0, 0, 0, 0, 1)), LinkFraming(address: nil)] {
      var batch = PacketBatch(capacity: 1, pool: pool)
      _ = batch.append { packet in
        packet.append(frame.count) { for index in frame.indices { $0[index] = frame[index] } }
      }
      let isParsed = batch.modify(0) { framing.parseHeader(of: &$0) }
      try check(isParsed == (frame.count >= max(1, framing.headerLength)), "parsed: \(isParsed)")
      if !isParsed { continue }
      let isSame = batch.withPacket(0) { packet in
        packet.linkHeaderLength == framing.headerLength && packet.byteCount == frame.count - framing.headerLength
          && packet.withFrame { $0.count == frame.count }
      }
      try check(isSame, "a frame of other lengths")
      if framing.isEthernet { try roundTrip(batch) }
    }
  }

  private static func checkOffload(_ content: [UInt8], _ linkHeaderLength: Int) throws(FuzzFailure) {
    guard let header = VirtioNetHeader(content.span) else {
      return try check(content.count < VirtioNetHeader.byteCount, "a whole header is refused")
    }
    var written = [UInt8](repeating: 0, count: VirtioNetHeader.byteCount)
    var span = written.mutableSpan
    header.write(to: &span)
    try check(written == Array(content.prefix(VirtioNetHeader.byteCount)), "another header")
    let frame = content.count - VirtioNetHeader.byteCount
    guard let offload = header.offload(frameByteCount: frame, linkHeaderLength: linkHeaderLength) else { return }
    if offload.checksum == .needed {
      let end = linkHeaderLength + Int(offload.checksumStart) + Int(offload.checksumOffset) + 2
      try check(end <= frame, "a checksum at \(end) of \(frame) bytes")
    }
    let again = VirtioNetHeader(offload, linkHeaderLength: linkHeaderLength)
      .offload(frameByteCount: frame, linkHeaderLength: linkHeaderLength)
    try check(again == offload, "\(offload) became \(String(describing: again))")
  }

  private static func roundTrip(_ batch: borrowing PacketBatch) throws(FuzzFailure) {
    let isSame = batch.withPacket(0) { packet in
      packet.withFrame { frame in
        guard let header = EthernetHeader(frame) else { return false }
        var written = [UInt8](repeating: 0, count: EthernetHeader.byteCount)
        var span = written.mutableSpan
        header.write(to: &span)
        let facts = packet.facts
        return written.indices.allSatisfy { written[$0] == frame[$0] } && facts.networkProtocol == header.type
          && (facts.localAddress ?? header.destination) == header.destination
          && (facts.remoteAddress ?? header.source) == header.source
      }
    }
    try check(isSame, "another header")
  }
}
