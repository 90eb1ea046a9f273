import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// Many packets of every size through whole queues: nothing is lost, changed or reordered.
@Suite struct TransferTests {
  @Test(arguments: [64, 100, 2048, 65536]) func `client to server with buffers of any size`(buffer: Int) {
    var ends = ForwardQueues(QueueSizes(buffer: buffer))
    exchange(&ends)
    // All buffers are free again: as many frames fit as there are buffers, or messages behind those of other sizes.
    while ends.send([Int](repeating: 1, count: 64)) == 64 {}
    let count = ends.ledger.expected.count - ends.ledger.arrived
    let messages = Pipe.capacity(pipeByteCount: 65536, messageByteCount: 28)
    #expect(count == min((1 << 20) / buffer, messages) || (buffer <= 100 && count == messages - 1))
  }

  @Test(arguments: [64, 100, 2048, 65536]) func `server to client with buffers of any size`(buffer: Int) {
    var ends = BackwardQueues(QueueSizes(buffer: buffer))
    ends.client.postBuffers()
    exchange(&ends)
    // With the server or in its pipe is every buffer that fits there. The server keeps a few in store.
    let stored = ends.server.freeBuffers
    #expect(stored <= max(64, 65550 / buffer + 1) && ends.client.postedCount <= min((1 << 20) / buffer, 1638 + stored))
    #expect(ends.client.postedCount >= min((1 << 20) / buffer, 1638))
    #expect(ends.client.isBlocked == (buffer <= 100))
  }

  /// Random sizes and batches, each end whenever it likes.
  private func exchange<Ends: QueueEnds & ~Copyable>(_ ends: inout Ends) {
    var random = SeededRandom("transfer with buffers of \(ends.sizes.buffer) bytes")
    let edges = [1, 15, 16, 63, 64, 65, 127, 128, 129, 199, 200, 255, 256, 2047, 2048, 2049, 4097, 65536, 65550]
    var frames = edges.enumerated().map { TestFrame(number: $0, byteCount: $1) }
    for number in edges.count..<1500 {
      // Half of them small, some of any size.
      let most: UInt64 = [64, 300, 2048, 65550][number % 20 == 0 ? 3 : Int(random.next() % 3)]
      frames.append(TestFrame(number: number, byteCount: 1 + Int(random.next() % most)))
    }
    var rest = frames[...]
    var idle = 0
    while ends.ledger.arrived < frames.count, idle < 1000 {
      let before = (rest.count, ends.ledger.arrived)
      if random.next() % 2 == 0 {
        rest = rest.dropFirst(ends.send(rest.prefix(1 + Int(random.next() % 64))))
      } else {
        ends.receive(atMost: 1 + Int(random.next() % 64))
      }
      idle = before == (rest.count, ends.ledger.arrived) ? idle + 1 : 0
    }
    #expect(ends.ledger.isBalanced)
    #expect(ends.ledger.arrived == frames.count)
    #expect(ends.isAtRest() == true)
    #expect(ends.isCorrupt == false)
    #expect(ends.sent.packets == UInt64(frames.count))
    #expect(ends.received.packets == UInt64(frames.count))
    let bytes = frames.reduce(0) { $0 + UInt64($1.byteCount) }
    #expect(ends.sent.bytes == bytes)
    #expect(ends.received.bytes == bytes)
    #expect(ends.sent.dropped + ends.received.dropped == 0)
    #expect(ends.sent[.badCompletion] + ends.received[.badCompletion] == 0)
  }

  @Test func `odd lengths of all files work`() {
    var ends = ForwardQueues(QueueSizes(packets: 4093, returns: 101, data: 5001, buffer: 100))
    exchangeSmall(&ends)
    var back = BackwardQueues(QueueSizes(packets: 4093, returns: 203, data: 5001, buffer: 100))
    back.client.postBuffers()
    exchangeSmall(&back)
  }

  private func exchangeSmall<Ends: QueueEnds & ~Copyable>(_ ends: inout Ends) {
    for round in 0..<500 {
      #expect(ends.send([1 + round % 190, 50]) >= 1)
      while ends.receive() > 0 {}
    }
    #expect(ends.ledger.isBalanced)
    #expect(ends.isAtRest() == true)
  }
}
