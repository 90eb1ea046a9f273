import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// A server whose client lies, in the messages or in the structure of its pipes.
@Suite struct HostileClientTests {
  private struct Lie: Sendable {
    let cause: DropCause
    let send: @Sendable (inout PipeWriter<SharedRegion>) -> Void
  }

  /// In the packet message; the data area has 4096 bytes.
  private static let packetLies: [Lie] = [
    Lie(cause: .empty) { $0.sendPacket(1, total: 0, [(0, 64)]) },
    Lie(cause: .empty) { $0.sendPacket(1, total: 0, []) },
    Lie(cause: .oversize) { $0.sendPacket(1, total: .max, [(0, .max)]) },
    Lie(cause: .oversize) { $0.sendPacket(1, total: 1 << 31, [(0, 1 << 31)]) },
    Lie(cause: .oversize) { $0.sendPacket(1, total: 65551, [(0, 65551)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, []) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 100, [(0, 64), (64, 35)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 100, [(0, 0), (0, 0), (0, 0)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(4087, 10)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(4096, 10)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(.max, 10)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(.max - 9, 10)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(1 << 63, 10)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(UInt64(bitPattern: -8), .max)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 4097, [(0, .max)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 100, [(0, 64), (4095, 2)]) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(0, 10)], byteCount: 1) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(0, 10)], byteCount: 15) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(0, 10)], byteCount: 16) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 10, [(0, 10)], byteCount: 27) },
    Lie(cause: .malformed) { $0.sendPacket(1, total: 20, [(0, 10), (10, 10)], byteCount: 39) },
  ]

  @Test(arguments: 0..<21) func `a lying packet is counted, and the next true one arrives`(number: Int) {
    let lie = Self.packetLies[number]
    var ends = ForwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.packets.region)
    lie.send(&client)
    client.sendPacket(5, total: 10, [(100, 10)])
    client.flush()
    #expect(ends.receive() == 1)
    #expect(ends.received[lie.cause] == 1)
    #expect(ends.received.dropped == 1)
    #expect(ends.received.packets == 1)
    #expect(ends.received.bytes == 10)
    #expect(ends.isCorrupt == false)
  }

  @Test func `an over-long slot is a packet all the same`() {
    var ends = ForwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.packets.region)
    client.sendPacket(5, total: 10, [(100, 10)], byteCount: 65520)
    client.flush()
    #expect(ends.receive() == 1)
    #expect(ends.received.dropped == 0)
  }

  @Test func `a refused packet is completed too`() {
    var ends = ForwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.packets.region)
    client.sendPacket(0x1234_5678_9abc_def0, total: 10, [(4096, 10)])
    client.flush()
    #expect(ends.receive() == 0)
    #expect(ends.returns.region.field64(8) == 0x1234_5678_9abc_def0)
  }

  @Test func `packets without end are refused in bounded pieces`() {
    var ends = ForwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.packets.region)
    for _ in 0..<1000 { client.sendPacket(1, total: 10, [(4096, 10)]) }
    client.flush()
    #expect(ends.receive(atMost: 8) == 0)
    #expect(ends.received.dropped == 16)
    #expect(ends.isCorrupt == false)
  }

  @Test(arguments: [0, 0xffff_fff8, 65521, 65528, 1 << 20, 0xffff_ffff, 1 << 40, (1 << 63) - 1] as [UInt64])
  func `a packet pipe that lies about its slots is latched as corrupt`(header: UInt64) {
    var ends = ForwardQueues(QueueSizes())
    #expect(ends.send([10]) == 1)
    #expect(ends.receive() == 1)
    ends.packets.region.store(header, 40)
    #expect(ends.receive() == 0)
    #expect(ends.server.isCorrupt == true)
    #expect(ends.server.isEmpty == true)
    ends.packets.region.store(8, 40)
    #expect(ends.receive() == 0)
    #expect(ends.server.isCorrupt == true)
  }

  @Test func `completions that were freed wrongly are latched as corrupt`() {
    var ends = ForwardQueues(QueueSizes(returns: 64))
    #expect(ends.send([1, 1, 1]) == 3)
    #expect(ends.receive() == 3)
    ends.returns.region.store(1 << 63 | 0xffff_fff9, 0)
    var client = PipeWriter(ends.packets.region)
    _ = client.push(32 * 3 + 16)
    #expect(ends.isCorrupt == false)
    // What was received does not depend on it; only the next completion does.
    ends.packets.region.store(28, 120)
    ends.packets.region.setField64(9, 128)
    ends.packets.region.setField32(1, 136)
    ends.packets.region.setField64(0, 144)
    ends.packets.region.setField32(1, 152)
    ends.packets.region.store(1 << 63, 160)
    #expect(ends.receive() == 1)
    #expect(ends.server.isCorrupt == true)
  }

  /// In the message that posts a buffer.
  private static let postLies: [@Sendable (inout PipeWriter<SharedRegion>) -> Void] = [
    { $0.sendPost(offset: 4096, size: 1, identifier: 1) },
    { $0.sendPost(offset: 4095, size: 2, identifier: 1) },
    { $0.sendPost(offset: .max, size: 1, identifier: 1) },
    { $0.sendPost(offset: .max - 63, size: 64, identifier: 1) },
    { $0.sendPost(offset: 1 << 63, size: .max, identifier: 1) },
    { $0.sendPost(offset: 0, size: .max, identifier: 1) },
    { $0.sendPost(offset: 0, size: 0, identifier: 1) },
    { $0.sendPost(offset: 0, size: 64, identifier: 1, byteCount: 31) },
    { $0.sendPost(offset: 0, size: 64, identifier: 1, byteCount: 33) },
    { $0.sendPost(offset: 0, size: 64, identifier: 1, byteCount: 1) },
    { $0.sendPost(offset: 0, size: 64, identifier: 1, byteCount: 60000) },
  ]

  @Test(arguments: 0..<11) func `a lying post is counted, and the next true one is used`(number: Int) {
    var ends = BackwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.returns.region)
    Self.postLies[number](&client)
    client.sendPost(offset: 100, size: 64, identifier: 77)
    client.flush()
    #expect(ends.send([50]) == 1)
    #expect(ends.sent[.badCompletion] == 1)
    #expect(ends.isCorrupt == false)
    #expect(ends.packets.region.field64(8 + 8) == 100)
    #expect(ends.packets.region.field64(8 + 28) == 77)
  }

  @Test func `posts of one byte cannot make a server keep more than its bound`() {
    var ends = BackwardQueues(QueueSizes(packets: 1 << 20, returns: 1 << 20, data: 4096))
    var client = PipeWriter(ends.returns.region)
    for identifier in 0..<20000 { client.sendPost(offset: 0, size: 1, identifier: UInt64(identifier)) }
    client.flush()
    // 3000 bytes never come together.
    #expect(ends.send([3000, 2000]) == 2)
    #expect(ends.sent[.oversize] == 1)
    #expect(ends.sent.packets == 1)
    #expect(ends.isCorrupt == false)
  }

  @Test(arguments: [0, 0xffff_fff8, 65521, 0xffff_ffff, (1 << 63) - 1] as [UInt64])
  func `a posts pipe that lies about its slots is latched as corrupt`(header: UInt64) {
    var ends = BackwardQueues(QueueSizes())
    ends.returns.region.store(header, 0)
    #expect(ends.send([10]) == 0)
    #expect(ends.server.isCorrupt == true)
    #expect(ends.hasRoom() == false)
  }
}
