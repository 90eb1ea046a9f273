import LinkCore
import LinkTestSupport
import Testing

@Suite struct PacketBufferTests {
  private let pool = PacketPool(chunkByteCount: 256, capacity: 4)

  @Test func `headers go in front and payload behind`() {
    var packet = pool.makePacket(headroom: 50)!
    packet.appendBytes([3, 4])
    packet.prepend(2) { bytes in
      bytes[0] = 1
      bytes[1] = 2
    }
    packet.appendBytes([5])
    let (bytes, headroom, tailroom) = (packet.bytes, packet.headroom, packet.tailroom)
    #expect(bytes == [1, 2, 3, 4, 5])
    #expect(headroom == 48 && tailroom == 256 - 53)
  }

  @Test func `a packet fills its chunk to the last byte at both ends`() {
    var packet = pool.makePacket(headroom: 100)!
    packet.append(156) { $0[155] = 9 }
    packet.prepend(100) { $0[0] = 8 }
    packet.append(0) { _ in }
    packet.prepend(0) { _ in }
    let (bytes, headroom, tailroom) = (packet.bytes, packet.headroom, packet.tailroom)
    #expect(bytes.count == 256 && bytes[0] == 8 && bytes[255] == 9)
    #expect(headroom == 0 && tailroom == 0)
  }

  @Test func `a marked link header is hidden from the network layer`() {
    var packet = pool.makePacket()!
    packet.appendBytes(Array(0..<20))
    packet.markLinkHeader(14)
    #expect(packet.bytes == Array(14..<20))
    #expect(packet.frame == Array(0..<20))
    packet.withMutableBytes { $0[0] = 99 }
    #expect(packet.frame[14] == 99)
    packet.trim(toByteCount: 3)
    #expect(packet.frame == Array(0..<14) + [99, 15, 16])
    packet.trim(toByteCount: 100)
    #expect(packet.byteCount == 3)
    packet.unmarkLinkHeader()
    #expect(packet.byteCount == 17)
    packet.markLinkHeader(14)
    packet.removeLinkHeader()
    #expect(packet.frame == [99, 15, 16])
    packet.prependLinkHeader(2) { bytes in
      bytes[0] = 7
      bytes[1] = 8
    }
    #expect(packet.frame == [7, 8, 99, 15, 16])
    #expect(packet.linkHeaderLength == 2)
    packet.trim(toByteCount: 0)
    #expect(packet.frame == [7, 8])
    packet.reset(headroom: 256)
    #expect(packet.frameByteCount == 0 && packet.linkHeaderLength == 0 && packet.tailroom == 0)
  }

  @Test func `facts stay with the packet until it is reset`() {
    var packet = pool.makePacket()!
    packet.facts.localAddress = .broadcast
    packet.facts.remoteAddress = LinkAddress(2, 0, 0, 0, 0, 1)
    packet.facts.networkProtocol = .arp
    packet.facts.flowHash = .max
    let moved = packet
    let facts = moved.facts
    #expect(facts.localAddress == .broadcast && facts.remoteAddress == LinkAddress(2, 0, 0, 0, 0, 1))
    #expect(facts.networkProtocol == .arp && facts.flowHash == .max)
    #expect(MemoryLayout<PacketFacts>.size <= 40)
  }

  @Test func `writing errors pass through`() {
    struct Failure: Error {}
    var packet = pool.makePacket()!
    let isThrown: Bool
    do {
      try packet.append(4) { _ throws(Failure) in throw Failure() }
      isThrown = false
    } catch { isThrown = true }
    #expect(isThrown)
  }

  @Test func `more than fits in front traps`() async {
    await #expect(processExitsWith: .failure) { try withPacket { $0.prepend(129) { _ in } } }
    await #expect(processExitsWith: .failure) { try withPacket { $0.prepend(-1) { _ in } } }
  }

  @Test func `more than fits behind traps`() async {
    await #expect(processExitsWith: .failure) { try withPacket { $0.append(129) { _ in } } }
    await #expect(processExitsWith: .failure) { try withPacket { $0.append(-1) { _ in } } }
  }

  @Test func `a header longer than the frame, or one more in front, traps`() async {
    await #expect(processExitsWith: .failure) { try withPacket { $0.markLinkHeader(1) } }
    await #expect(processExitsWith: .failure) {
      try withPacket { packet in
        packet.append(20) { _ in }
        packet.markLinkHeader(14)
        packet.prepend(1) { _ in }
      }
    }
  }

  @Test func `impossible sizes trap`() async {
    await #expect(processExitsWith: .failure) { try withPacket { $0.reset(headroom: 257) } }
    await #expect(processExitsWith: .failure) { try withPacket { $0.trim(toByteCount: -1) } }
    await #expect(processExitsWith: .failure) { _ = PacketPool(chunkByteCount: 63, capacity: 1) }
    await #expect(processExitsWith: .failure) { _ = PacketPool(chunkByteCount: 64, capacity: 0) }
    await #expect(processExitsWith: .failure) {
      _ = PacketBatch(capacity: 65, pool: PacketPool(chunkByteCount: 64, capacity: 1))
    }
  }
}

/// Lends a packet of 256 bytes with the default headroom.
func withPacket(_ body: (inout PacketBuffer) throws -> Void) throws {
  let pool = PacketPool(chunkByteCount: 256, capacity: 1)
  var packet = pool.makePacket()!
  try body(&packet)
}
