import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// A client whose server lies, in the messages or in the structure of its pipes.
@Suite struct HostileServerTests {
  /// Two buffers of 2048 bytes, both posted.
  private func posted() -> BackwardQueues {
    var ends = BackwardQueues(QueueSizes(data: 4096))
    ends.client.postBuffers()
    return ends
  }

  private struct Lie: Sendable {
    let cause: DropCause
    /// Ids that are not under way.
    var badIdentifiers: UInt64 = 0
    let send: @Sendable (inout PipeWriter<SharedRegion>) -> Void
  }

  private static let packetLies: [Lie] = [
    Lie(cause: .malformed, badIdentifiers: 1) { $0.sendReceived(total: 10, [(0, 10, 2)]) },
    Lie(cause: .malformed, badIdentifiers: 1) { $0.sendReceived(total: 10, [(0, 10, .max)]) },
    Lie(cause: .malformed, badIdentifiers: 1) { $0.sendReceived(total: 10, [(0, 10, 1 << 32)]) },
    Lie(cause: .malformed, badIdentifiers: 1) { $0.sendReceived(total: 10, [(0, 10, 1 << 63)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(2048, 10, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(1, 10, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(.max, 10, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(1 << 63, 10, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 2049, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, .max, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 9, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 0, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 4097, [(0, 2048, 0), (2048, 2048, 1)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 60000, [(0, 2048, 0)]) },
    Lie(cause: .empty) { $0.sendReceived(total: 0, [(0, 2048, 0)]) },
    Lie(cause: .oversize) { $0.sendReceived(total: .max, [(0, 2048, 0)]) },
    Lie(cause: .oversize) { $0.sendReceived(total: 65551, [(0, 2048, 0)]) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, []) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 1) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 7) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 35) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 37) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 63) },
    Lie(cause: .malformed) { $0.sendReceived(total: 10, [(0, 10, 0)], byteCount: 60000) },
  ]

  @Test(arguments: 0..<24) func `a lying packet is counted, and the next true one arrives`(number: Int) {
    let lie = Self.packetLies[number]
    var ends = posted()
    var server = PipeWriter(ends.packets.region)
    lie.send(&server)
    server.sendReceived(total: 10, [(2048, 10, 1)])
    server.flush()
    #expect(ends.receive() == 1)
    #expect(ends.received[lie.cause] == 1)
    #expect(ends.received.dropped == 1)
    #expect(ends.received[.badCompletion] == lie.badIdentifiers)
    #expect(ends.received.bytes == 10)
    #expect(ends.isCorrupt == false)
    // Every buffer is posted: what a lie named was posted again, the rest never left.
    #expect(ends.client.postedCount == 2)
  }

  @Test func `a buffer that was never posted is not the server's`() {
    var ends = BackwardQueues(QueueSizes(data: 4096))
    var server = PipeWriter(ends.packets.region)
    server.sendReceived(total: 10, [(0, 10, 0)])
    server.flush()
    #expect(ends.receive() == 0)
    #expect(ends.received[.badCompletion] == 1)
    #expect(ends.received[.malformed] == 1)
  }

  @Test func `one buffer named a thousand times fills its pipe and nothing else`() {
    var ends = posted()
    var server = PipeWriter(ends.packets.region)
    let many = [(offset: UInt64, size: UInt32, identifier: UInt64)](repeating: (0, 1, 0), count: 500)
    for _ in 0..<4 { server.sendReceived(total: 500, many, byteCount: 8 + 28 * 500) }
    server.flush()
    ends.receive()
    #expect(ends.isCorrupt == false)
    #expect(ends.client.postedCount <= 2)
    // All of it bounded: what does not fit into the pipe stays here, once.
    for _ in 0..<10 {
      ends.client.postBuffers()
      #expect(ends.client.postedCount <= 2)
    }
  }

  @Test func `packets without end are refused in bounded pieces`() {
    var ends = posted()
    var server = PipeWriter(ends.packets.region)
    for _ in 0..<1000 { server.sendReceived(total: 10, [(0, 10, 9)]) }
    server.flush()
    #expect(ends.receive(atMost: 8) == 0)
    #expect(ends.received.dropped == 16)
  }

  @Test(arguments: [0, 0xffff_fff8, 65521, 65528, 0xffff_ffff, 1 << 40, (1 << 63) - 1] as [UInt64])
  func `a packet pipe that lies about its slots is latched as corrupt`(header: UInt64) {
    var ends = posted()
    #expect(ends.send([10]) == 1)
    #expect(ends.receive() == 1)
    ends.packets.region.store(header, 48)
    #expect(ends.receive() == 0)
    #expect(ends.client.isCorrupt == true)
    #expect(ends.client.isEmpty == true)
  }

  @Test(arguments: [0xffff_fff9, 0xffff_ffff, 120, 121, 1 << 31] as [UInt64])
  func `a posts pipe that was freed wrongly is latched as corrupt`(size: UInt64) {
    var ends = BackwardQueues(QueueSizes(returns: 128, data: 1 << 14))
    ends.client.postBuffers()
    #expect(ends.client.postedCount == 3)
    ends.returns.region.store(1 << 63 | size, 0)
    ends.client.postBuffers()
    #expect(ends.client.isCorrupt == true)
    #expect(ends.client.postedCount == 3)
  }

  @Test func `completions of what is not under way are counted and change nothing`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64))
    #expect(ends.send([100, 1]) == 2)
    var server = PipeWriter(ends.returns.region)
    // Never issued; the second buffer of a packet; beyond the area; out of any range.
    for identifier: UInt64 in [3, 1, 4, 1 << 32, 1 << 63, .max] { server.sendCompletion(identifier) }
    // Too short and too long.
    for byteCount in [1, 4, 7, 9, 16, 60000] { server.sendCompletion(0, byteCount: byteCount) }
    server.flush()
    // No more in one go than there could be packets.
    ends.client.collectCompletions()
    #expect(ends.sent[.badCompletion] == 5)
    for _ in 0..<2 { ends.client.collectCompletions() }
    #expect(ends.sent[.badCompletion] == 12)
    #expect(ends.client.isDrained() == false)
    #expect(ends.isCorrupt == false)
    // The free buffer is the only one.
    #expect(ends.send([65]) == 0)
    #expect(ends.send([1]) == 1)
    // Completed twice.
    for identifier: UInt64 in [0, 0, 2, 3, 2, 3] { server.sendCompletion(identifier) }
    server.flush()
    for _ in 0..<2 { ends.client.collectCompletions() }
    #expect(ends.sent[.badCompletion] == 15)
    #expect(ends.client.isDrained() == true)
    #expect(ends.send([256]) == 1)
  }

  @Test(arguments: [0, 0xffff_fff8, 57, 0xffff_ffff, (1 << 63) - 1] as [UInt64])
  func `a completion pipe that lies about its slots is latched as corrupt`(header: UInt64) {
    var ends = ForwardQueues(QueueSizes(returns: 64))
    ends.returns.region.store(header, 0)
    ends.client.collectCompletions()
    #expect(ends.client.isCorrupt == true)
    #expect(ends.sent[.badCompletion] == 0)
  }

  @Test(arguments: [0xffff_fff9, 0xffff_ffff, 248, 249, 1 << 31] as [UInt64])
  func `a packet pipe that was freed wrongly is latched as corrupt`(size: UInt64) {
    var ends = ForwardQueues(QueueSizes(packets: 256))
    #expect(ends.send([Int](repeating: 1, count: 6)) == 6)
    ends.packets.region.store(1 << 63 | size, 0)
    #expect(ends.send([1]) == 0)
    #expect(ends.client.isCorrupt == true)
    #expect(ends.hasRoom() == false)
  }
}
