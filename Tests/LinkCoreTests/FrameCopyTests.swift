import LinkCore
import Testing

/// A frame that lies elsewhere becomes a packet in one go, as it would step by step.
@Suite struct FrameCopyTests {
  private static func contents(_ packet: borrowing PacketBuffer) -> [UInt8] {
    packet.withFrame { bytes in bytes.indices.map { bytes[$0] } }
  }

  @Test func `every size arrives whole, and nothing of the packet before is left`() throws {
    let framing = LinkFraming(address: LinkAddress(2, 0, 0, 0, 0, 1))
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1514, capacity: 1))
    batch.append { _ in }
    for byteCount in Array(14...200) + [255, 256, 257, 1500, 1513, 1514] {
      let frame = (0..<byteCount).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ byteCount) }
      let expected = batch.modify(0) { packet in
        packet.reset(headroom: PacketBuffer.defaultHeadroom)
        packet.append(byteCount) { bytes in for index in frame.indices { bytes[index] = frame[index] } }
        packet.facts = PacketFacts()
        _ = framing.parseHeader(of: &packet)
        return packet.facts
      }
      batch.modify(0) { packet in
        // A whole other life before.
        packet.reset(headroom: 7)
        packet.append(1400) { $0.update(repeating: 0xff) }
        packet.facts.flowHash = 1
        packet.facts.isRawFrame = true
        packet.facts.offload.checksum = .needed
        packet.facts.networkProtocol = .ipv6
        let isDone = packet.becomeEthernetFrame(frame)
        let (contents, headerLength) = (Self.contents(packet), packet.linkHeaderLength)
        #expect(isDone && contents == frame && headerLength == 14)
        let facts = packet.facts
        #expect(facts.networkProtocol == expected.networkProtocol)
        #expect(facts.localAddress == expected.localAddress && facts.remoteAddress == expected.remoteAddress)
        #expect(facts.flowHash == 0 && !facts.isRawFrame && facts.offload == PacketOffload())
      }
    }
  }

  @Test func `what has no header, or no room, changes nothing`() {
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 100, capacity: 1))
    batch.append { $0.append(3) { $0.update(repeating: 9) } }
    batch.modify(0) { packet in
      for byteCount in [0, 1, 13, 4000] {
        let isDone = packet.becomeEthernetFrame(Array(repeating: 0, count: byteCount))
        let contents = Self.contents(packet)
        #expect(!isDone && contents == [9, 9, 9])
      }
    }
  }
}
