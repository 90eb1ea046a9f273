import LinkCore

/// A row of test packets, framed for a link and ready to be stamped. They are sent again and again.
enum TestBatch {
  static func make(for link: any LinkEndpoint, count: Int, _ options: Options) throws(Failure) -> PacketBatch {
    let pool = PacketPool(frameByteCount: options.size + link.maxHeaderLength, capacity: count)
    var batch = PacketBatch(capacity: count, pool: pool)
    var refusal: LinkError?
    for _ in 0..<count {
      batch.append { packet in
        packet.append(options.size) { bytes in
          // What is not filled later must not be what was in this memory before.
          bytes.update(repeating: 0)
          TestPacket.writeHeader(&bytes)
        }
        packet.facts.networkProtocol = .ipv4
        packet.facts.remoteAddress = options.peerEthernet
        do throws(LinkError) { try link.addHeader(to: &packet) } catch { refusal = error }
      }
    }
    if let refusal { throw Failure(refusal, "framing") }
    return batch
  }
}
