import LinkCore
import LinkQueue
import LinkTestSupport
import Testing

private let withHeader = QueueSizes(data: 1 << 18, buffer: 64, format: .virtioNet)

/// A checksum that is needed and a kind of segmentation, different for each number.
private func offload(_ number: Int) -> PacketOffload {
  var offload = PacketOffload()
  if number % 3 == 0 { return offload }
  offload.checksum = .needed
  offload.checksumStart = UInt16(number % 5)
  offload.checksumOffset = 6
  offload.segmentation = number % 2 == 0 ? .udp : .tcpOverIPv6
  offload.segmentByteCount = UInt16(1 + number)
  offload.headerByteCount = 20
  return offload
}

extension QueueEnds where Self: ~Copyable {
  /// Sends frames with these facts and returns those that came.
  fileprivate mutating func carry(_ byteCounts: [Int]) -> [PacketOffload] {
    var seen: [PacketOffload] = []
    for (number, byteCount) in byteCounts.enumerated() {
      outgoing.removeAll()
      let frame = TestFrame(number: number, byteCount: byteCount)
      outgoing.append { packet in
        frame.write(to: &packet)
        packet.facts.offload = offload(number)
      }
      var batch = PacketBatch(capacity: 1, pool: outgoing.pool)
      swap(&batch, &outgoing)
      let taken = batch.withPackets { hand($0, SendLimits(mtu: sizes.mtu, headerLength: 0)) }
      swap(&batch, &outgoing)
      ledger.sent([frame].prefix(taken))
      while receive() > 0 { incoming.withPacket(0) { seen.append($0.facts.offload) } }
    }
    return seen
  }

  /// Frames of every size cross with their facts, whatever pieces they are cut into.
  fileprivate mutating func carriesEverything() {
    attach()
    let sizes = [30, 53, 54, 55, 64, 117, 118, 119, 1000, 1500, 9000]
    let seen = carry(sizes)
    #expect(seen == sizes.indices.map(offload))
    #expect(ledger.isBalanced)
    let bytes = UInt64(sizes.reduce(0, +))
    #expect(sent.bytes == bytes && received.bytes == bytes)
    #expect(sent.dropped == 0 && received.dropped == 0)
  }
}

@Suite struct `Frames behind virtio-net headers` {
  @Test func `cross from client to server with their facts`() {
    var ends = ForwardQueues(withHeader)
    ends.carriesEverything()
  }

  @Test func `cross from server to client with their facts`() {
    var ends = BackwardQueues(withHeader)
    ends.carriesEverything()
  }

  @Test func `lie in the shared memory header first, and count ten bytes more`() {
    var ends = ForwardQueues(withHeader)
    ends.outgoing.append { packet in
      packet.append(50) { $0[0] = 0x45 }
      packet.facts.offload = offload(1)
    }
    let taken = ends.client.sendOne(&ends.outgoing)
    #expect(taken == 1)
    // needs a checksum, TCP over IPv6, headers of 20, segments of 2, from 1 on, at 6; then the frame.
    #expect(ends.data.region.field32(0) == 0x0014_0401)
    #expect(ends.data.region.field32(4) == 0x0001_0002)
    #expect(ends.data.region.field32(8) & 0x00ff_ffff == 0x0045_0006)
    var pipe = PipeReader(ends.packets.region)
    let slot = pipe.pull()!
    #expect(ends.packets.region.field32(slot.offset + 8) == 60)
  }

  @Test func `cross in buffers smaller than the header`() {
    var ends = BackwardQueues(withHeader)
    // The server fills what it is offered, however small: a client that offers three bytes at a time.
    var client = PipeWriter(ends.returns.region)
    for index in 0..<20 { client.sendPost(offset: UInt64(index * 64), size: 3, identifier: UInt64(index)) }
    client.flush()
    #expect(ends.send([40]) == 1)
    var pipe = PipeReader(ends.packets.region)
    let slot = pipe.pull()!
    #expect(ends.packets.region.field32(slot.offset) == 50)
    #expect(slot.byteCount == 8 + 17 * 28)
    let bytes = (0..<50).map { UInt8(truncatingIfNeeded: ends.data.region.field32($0 / 3 * 64) >> (8 * ($0 % 3))) }
    #expect(bytes[..<10].allSatisfy { $0 == 0 })
    let frame = Array(bytes[10...])
    let isWhole = TestFrame(number: 0, byteCount: 40).equals(frame.span)
    #expect(isWhole)
  }

  @Test func `that are cut short or lie are dropped by a server, and the next one arrives`() {
    var ends = ForwardQueues(withHeader)
    var client = PipeWriter(ends.packets.region)
    for total in 1...10 { client.sendPacket(0, total: UInt32(total), [(0, 64)]) }
    // Segments of nothing, at another place.
    ends.data.region.setField32(0x0000_0101, 1024)
    client.sendPacket(1, total: 60, [(1024, 64)])
    client.sendPacket(2, total: 60, [(0, 64)])
    client.flush()
    #expect(ends.receive() == 1)
    #expect(ends.received[.runt] == 10)
    #expect(ends.received[.malformed] == 1)
    #expect(ends.received.packets == 1)
    #expect(ends.received.bytes == 50)
  }

  @Test func `that are cut short or lie are dropped by a client, and the next one arrives`() {
    var ends = BackwardQueues(withHeader)
    ends.attach()
    var server = PipeWriter(ends.packets.region)
    for index in 0..<10 { server.sendReceived(total: UInt32(index + 1), [(UInt64(index * 64), 64, UInt64(index))]) }
    ends.data.region.setField32(0x0000_0101, 1024)
    server.sendReceived(total: 60, [(1024, 64, 16)])
    server.sendReceived(total: 60, [(1088, 64, 17)])
    server.flush()
    #expect(ends.receive() == 1)
    #expect(ends.received[.runt] == 10)
    #expect(ends.received[.malformed] == 1)
    #expect(ends.received.bytes == 50)
  }

  @Test func `are too large ten bytes earlier`() {
    var ends = ForwardQueues(QueueSizes(data: 256, buffer: 64, format: .virtioNet))
    #expect(ends.send([246]) == 1)
    #expect(ends.receive() == 1)
    #expect(ends.sent[.oversize] == 0)
    #expect(ends.send([247]) == 1)
    #expect(ends.sent[.oversize] == 1)
  }

  @Test func `fit into a chunk that has no byte more than the frame`() {
    var ends = ForwardQueues(QueueSizes(buffer: 2048, format: .virtioNet))
    ends.incoming = PacketBatch(capacity: 4, pool: PacketPool(frameByteCount: 1500, capacity: 4))
    #expect(ends.send([1500, 1501]) == 2)
    #expect(ends.receive() == 1)
    #expect(ends.received[.oversize] == 1)
  }

  @Test(arguments: [true, false]) func `keep their order over pipes that are always full`(isForward: Bool) {
    var sizes = QueueSizes.small
    sizes.format = .virtioNet
    var random = SeededRandom("virtio-net, forward \(isForward)")
    var forward = ForwardQueues(sizes)
    var backward = BackwardQueues(sizes)
    for _ in 0..<2000 {
      let counts = (0..<Int.random(in: 1...20, using: &random)).map { _ in Int.random(in: 1...300, using: &random) }
      if isForward {
        forward.send(counts)
        _ = forward.receive(atMost: Int.random(in: 1...20, using: &random))
      } else {
        backward.attach()
        backward.send(counts)
        _ = backward.receive(atMost: Int.random(in: 1...20, using: &random))
      }
    }
    while forward.receive() > 0 {}
    while backward.receive() > 0 {}
    #expect(forward.ledger.isBalanced && backward.ledger.isBalanced, "seed \(random.seed)")
    #expect(forward.received.dropped == 0 && backward.received.dropped == 0, "seed \(random.seed)")
    #expect(forward.ledger.arrived + backward.ledger.arrived > 2000, "seed \(random.seed)")
  }
}

extension TransmitQueue {
  fileprivate mutating func sendOne(_ batch: inout PacketBatch) -> Int {
    var lent = PacketBatch(capacity: 1, pool: batch.pool)
    swap(&lent, &batch)
    let limits = SendLimits(mtu: 1500, headerLength: 0)
    return lent.withPackets { send($0, limits) }
  }
}
