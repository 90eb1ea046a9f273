import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

/// Every pipe and the data area, filled: exact counts, nothing lost, and all of it works again with room.
@Suite struct FillingTests {
  private let ten = [Int](repeating: 50, count: 10)

  @Test func `a full packet pipe stops the client, and room brings it back`() {
    // 28 bytes take slots of 40: six of them in 256 bytes.
    var ends = ForwardQueues(QueueSizes(packets: 256))
    for _ in 0..<20 {
      #expect(ends.send(ten) == 6)
      #expect(ends.hasRoom() == false)
      #expect(ends.send(ten) == 0)
      #expect(ends.receive(atMost: 2) == 2)
      #expect(ends.hasRoom() == true)
      #expect(ends.send(ten) == 2)
      while ends.receive() > 0 {}
      #expect(ends.isAtRest() == true)
    }
    #expect(ends.ledger.isBalanced)
    #expect(ends.isCorrupt == false)
  }

  @Test func `a client keeps no more under way than completions fit`() {
    // Slots of 16: three of them in 64 bytes.
    var ends = ForwardQueues(QueueSizes(returns: 64))
    for _ in 0..<20 {
      #expect(ends.send(ten) == 3)
      #expect(ends.hasRoom() == false)
      #expect(ends.receive() == 3)
      #expect(ends.server.isBlocked == false)
      #expect(ends.hasRoom() == true)
    }
    #expect(ends.isAtRest() == true)
    #expect(ends.ledger.isBalanced)
  }

  @Test func `a client that collects nothing blocks the server until it does`() {
    var ends = ForwardQueues(QueueSizes(returns: 64))
    var peer = PipeWriter(ends.packets.region)
    var collector = PipeReader(ends.returns.region)
    for identifier in 1...6 {
      peer.sendPacket(UInt64(identifier), total: 1, [(0, 1)])
    }
    peer.flush()
    // Three completions fit; the fourth is owed.
    #expect(ends.receive() == 4)
    #expect(ends.server.isBlocked == true)
    #expect(ends.receive() == 0)
    #expect(ends.server.isBlocked == true)
    // Two packets are there, but nothing that a driver could do about them.
    #expect(ends.server.isEmpty == true)
    var identifiers: [UInt64] = []
    while let slot = collector.pull() { identifiers.append(ends.returns.region.field64(slot.offset)) }
    collector.flush()
    #expect(ends.receive() == 2)
    #expect(ends.server.isBlocked == false)
    while let slot = collector.pull() { identifiers.append(ends.returns.region.field64(slot.offset)) }
    #expect(identifiers == [1, 2, 3, 4, 5, 6])
    #expect(ends.isCorrupt == false)
  }

  @Test func `a full data area stops the client`() {
    var ends = ForwardQueues(QueueSizes(data: 4 * 64, buffer: 64))
    for _ in 0..<20 {
      #expect(ends.send(ten) == 4)
      #expect(ends.send([65]) == 0)
      #expect(ends.hasRoom() == false)
      #expect(ends.receive(atMost: 1) == 1)
      // One buffer is free, the frame takes two.
      #expect(ends.hasRoom() == false)
      #expect(ends.receive(atMost: 1) == 1)
      #expect(ends.hasRoom() == true)
      #expect(ends.send([65]) == 1)
      while ends.receive() > 0 {}
      #expect(ends.isAtRest() == true)
    }
    #expect(ends.ledger.isBalanced)
  }

  @Test func `a full posts pipe leaves buffers with the client, which posts them later`() {
    // Slots of 40: three of them in 128 bytes.
    var ends = BackwardQueues(QueueSizes(returns: 128, data: 8 * 64, buffer: 64))
    ends.client.postBuffers()
    #expect(ends.client.postedCount == 3)
    #expect(ends.client.isBlocked == true)
    for _ in 0..<20 {
      #expect(ends.send(ten) == 3)
      #expect(ends.hasRoom() == false)
      #expect(ends.client.postedCount == 3)
      // The server took three out: there is room for three more.
      ends.client.postBuffers()
      #expect(ends.client.postedCount == 6)
      // And none for those that come back.
      #expect(ends.receive() == 3)
      #expect(ends.client.postedCount == 3)
      #expect(ends.client.isBlocked == true)
      #expect(ends.hasRoom() == true)
    }
    #expect(ends.ledger.isBalanced)
    #expect(ends.isCorrupt == false)
    #expect(ends.received[.badCompletion] == 0)
  }

  @Test func `a full packet pipe stops the server, and room brings it back`() {
    // 36 bytes take slots of 48: five of them in 256 bytes.
    var ends = BackwardQueues(QueueSizes(packets: 256))
    ends.client.postBuffers()
    for _ in 0..<20 {
      #expect(ends.send(ten) == 5)
      #expect(ends.hasRoom() == false)
      #expect(ends.receive(atMost: 2) == 2)
      #expect(ends.hasRoom() == true)
      #expect(ends.send(ten) == 2)
      while ends.receive() > 0 {}
    }
    #expect(ends.ledger.isBalanced)
    #expect(ends.client.postedCount == 512)
  }

  @Test func `without posted buffers nothing is sent`() {
    var ends = BackwardQueues(QueueSizes())
    #expect(ends.send(ten) == 0)
    #expect(ends.hasRoom() == false)
    ends.client.postBuffers()
    #expect(ends.hasRoom() == true)
    #expect(ends.send(ten) == 10)
  }

  @Test func `more buffers than posts fit are no corrupt pipe`() {
    var ends = BackwardQueues(QueueSizes(data: 1 << 18, buffer: 64))
    ends.client.postBuffers()
    #expect(ends.client.postedCount == 1638)
    #expect(ends.isCorrupt == false)
    #expect(ends.send([65536]) == 1)
    #expect(ends.receive() == 1)
    #expect(ends.ledger.isBalanced)
  }

  @Test func `a queue is drained when the peer has taken everything, and not before`() {
    var ends = BackwardQueues(QueueSizes())
    ends.client.postBuffers()
    #expect(ends.server.isDrained() == true)
    #expect(ends.send(ten) == 10)
    #expect(ends.server.isDrained() == false)
    #expect(ends.receive(atMost: 9) == 9)
    #expect(ends.server.isDrained() == false)
    #expect(ends.receive() == 1)
    #expect(ends.server.isDrained() == true)
  }

  @Test(arguments: 0..<12) func `a queue is drained though a sleeping peer has not seen a wrap slot`(count: Int) {
    // Looking for room may leave a wrap slot, for which nobody rings.
    var ends = BackwardQueues(QueueSizes(packets: 256))
    ends.client.postBuffers()
    for _ in 0..<count {
      #expect(ends.send([50]) == 1)
      #expect(ends.receive() == 1)
    }
    #expect(ends.hasRoom() == true)
    #expect(ends.server.isDrained() == true)
  }

  @Test func `a writer is drained behind a wrap slot that it published alone`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(40) == nil)
    #expect(pipe.memory[32] == 0xffff_ffd8)
    #expect(pipe.writer.isDrained() == true)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.writer.push(40) != nil)
    pipe.writer.flush()
    #expect(pipe.writer.isDrained() == false)
    #expect(pipe.reader.pull() != nil)
    #expect(pipe.writer.isDrained() == false)
    pipe.reader.flush()
    #expect(pipe.writer.isDrained() == true)
    #expect(pipe.writer.isCorrupt == false)
  }
}
