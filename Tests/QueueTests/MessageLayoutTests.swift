import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// The four messages in memory, byte for byte, computed by hand from the wire format; and the forms of them that other
/// implementations send.
@Suite struct MessageLayoutTests {
  /// The first 32-bit words of a file.
  private func words(_ file: PrivateRegion, _ count: Int) -> [UInt32] {
    (0..<count).map { file.region.field32($0 * 4) }
  }

  @Test func `a packet from the client`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64))
    #expect(ends.send([100, 3]) == 2)
    #expect(
      words(ends.packets, 24) == [
        // The slot: 16 + 2 * 12 bytes. Id 0, total 100, reserved.
        40, 0, 0, 0, 100, 0,
        // 64 bytes at 0 and 36 at 64; packed, 12 bytes each.
        0, 0, 64, 64, 0, 36,
        // The next slot: 16 + 12, padded to 40 with its header. Id 2, the number of its first buffer.
        28, 0, 2, 0, 3, 0, 128, 0, 3, 0,
        // Free.
        0, 0x8000_0000,
      ])
    #expect(ends.receive() == 2)
    #expect(ends.ledger.isBalanced)
    // Both given back as one: 48 + 40, less the header.
    #expect(words(ends.packets, 2) == [80, 0x8000_0000])
  }

  @Test func `a completion`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64))
    #expect(ends.send([100, 3]) == 2)
    #expect(ends.receive() == 2)
    #expect(words(ends.returns, 10) == [8, 0, 0, 0, 8, 0, 2, 0, 0, 0x8000_0000])
    #expect(ends.isAtRest() == true)
    #expect(words(ends.returns, 2) == [24, 0x8000_0000])
  }

  @Test func `posted buffers`() {
    var ends = BackwardQueues(QueueSizes(data: 256, buffer: 100))
    #expect(ends.client.isBlocked == true)
    ends.client.postBuffers()
    #expect(ends.client.postedCount == 2)
    #expect(
      words(ends.returns, 22) == [
        // 32 bytes: offset, size, remaining in the group, user data, id.
        32, 0, 0, 0, 100, 0, 0, 0, 0, 0,
        32, 0, 100, 0, 100, 0, 0, 0, 1, 0,
        0, 0x8000_0000,
      ])
  }

  @Test func `a packet from the server, with what was posted`() {
    var ends = BackwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.returns.region)
    client.sendPost(offset: 1000, size: 64, userData: 0x1122_3344_5566_7788, identifier: 0xaabb_ccdd_eeff_0011)
    client.sendPost(offset: 2000, size: 64, userData: 7, identifier: 9)
    client.flush()
    #expect(ends.send([100]) == 1)
    #expect(
      words(ends.packets, 20) == [
        // 8 + 2 * 28 bytes. Total and reserved.
        64, 0, 100, 0,
        // Offset, exact size, user data and id as posted; 28 bytes each, so the second is not aligned.
        1000, 0, 64, 0x5566_7788, 0x1122_3344, 0xeeff_0011, 0xaabb_ccdd,
        2000, 0, 36, 7, 0, 9, 0,
        0, 0x8000_0000,
      ])
    // The posts were given back as one.
    #expect(words(ends.returns, 2) == [72, 0x8000_0000])
    // The frame's own bytes and no other.
    #expect(ends.data.region.field32(1004) != 0)
    #expect((2036..<2064).allSatisfy { $0 % 4 != 0 || ends.data.region.field32($0) == 0 })
  }

  @Test func `a client that writes full buffer sizes is understood: the total governs`() {
    var ends = ForwardQueues(QueueSizes(data: 4096))
    var client = PipeWriter(ends.packets.region)
    client.sendPacket(7, total: 10, [(0, 2048), (2048, 2048)])
    // The last buffer of the file, claimed larger than what is left: only what the total needs is touched.
    client.sendPacket(8, total: 6, [(4090, 2048)])
    client.flush()
    #expect(ends.receive() == 2)
    #expect(ends.received.bytes == 16)
    #expect(ends.received.dropped == 0)
  }

  @Test func `a server that rounds frames up to the buffer is understood`() {
    var ends = BackwardQueues(QueueSizes(data: 4096))
    ends.client.postBuffers()
    var server = PipeWriter(ends.packets.region)
    server.sendReceived(total: 2048, [(2048, 2048, 1)])
    // More room than the total.
    server.sendReceived(total: 3, [(0, 2048, 0)])
    server.flush()
    #expect(ends.receive() == 2)
    #expect(ends.received.bytes == 2051)
    #expect(ends.received.dropped == 0)
    #expect(ends.client.postedCount == 2)
  }

  @Test func `completions and buffers come back in any order`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64))
    #expect(ends.send([1, 100, 1]) == 3)
    var server = PipeWriter(ends.returns.region)
    for identifier: UInt64 in [3, 0, 1] { server.sendCompletion(identifier) }
    server.flush()
    ends.client.collectCompletions()
    #expect(ends.client.isDrained() == true)
    #expect(ends.sent[.badCompletion] == 0)
    // The buffers in any order too.
    #expect(ends.send([256]) == 1)
  }

  @Test func `a batch is counted once, and a refused frame is no packet`() {
    var ends = ForwardQueues(QueueSizes(mtu: 1000))
    #expect(ends.send([10, 1001, 20]) == 3)
    #expect(ends.sent.packets == 2)
    #expect(ends.sent.bytes == 30)
    #expect(ends.sent.batches == 1)
    #expect(ends.sent[.oversize] == 1)
  }
}
