import LinkCore
import LinkQueue
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// One end of a link whose peer is the test, with its hands in the memory.
private final class LoneEnd {
  let link: SharedMemEndpoint
  let inbox = Inbox()
  let transmit: RawQueue
  let receive: RawQueue
  private var batch = PacketBatch(capacity: 64, pool: PacketPool(frameByteCount: 1500, capacity: 64))

  /// With the pipes as small as they can be, and by default with more memory than they can name.
  init(_ role: SharedMemEndpoint.Role, bufferByteCount: Int = 2048, pipeByteCount: Int = 4096) throws {
    var geometry = QueueGeometry()
    geometry.bufferByteCount = bufferByteCount
    geometry.pipeByteCount = pipeByteCount
    let queues = try QueuePair.make(geometry)
    transmit = try RawQueue(Array(queues.descriptors[..<5]))
    receive = try RawQueue(Array(queues.descriptors[5...]))
    link = try SharedMemEndpoint(role, queues: queues, bufferByteCount: bufferByteCount)
    for _ in 0..<64 { batch.append { packet in packet.append(50) { $0[0] = 0x45 } } }
    try link.attach(inbox)
  }

  deinit { link.close() }

  /// Writes until nothing fits; how many packets were taken, by the link's own word.
  func fill() throws -> Int {
    var taken = 0
    while true {
      do throws(LinkError) { taken += try link.writeBatch(batch) } catch {
        guard error.code == .wouldBlock else { throw error }
        return taken
      }
    }
  }

  /// Closes and waits; false if the end does not come.
  func ends() throws -> Bool {
    link.close()
    let link = link
    let isOver: Bool? = try inThread {
      do { try link.wait() } catch { return false }
      return true
    }
    return isOver == true && inbox.waitForClose() == .requested
  }
}

/// Pushes one message of the words that `fill` writes.
private func push(
  _ pipe: inout PipeWriter<SharedRegion>, _ byteCount: Int, _ fill: (SharedRegion, Int) -> Void
) throws {
  fill(pipe.memory, try #require(pipe.push(byteCount)?.offset))
}

private func complete(_ pipe: inout PipeWriter<SharedRegion>, _ identifier: UInt64) throws {
  try push(&pipe, 8) { $0.setField64(identifier, $1) }
}

private func post(_ pipe: inout PipeWriter<SharedRegion>, _ offset: UInt64, _ size: UInt32, _ number: UInt64) throws {
  try push(&pipe, 32) {
    $0.setField64(offset, $1)
    $0.setField32(size, $1 + 8)
    $0.setField64(number, $1 + 24)
  }
}

@Suite struct `An end without room` {
  @Test func `takes as many packets as a client's memory has buffers, again after bad completions`() throws {
    let end = try LoneEnd(.client, pipeByteCount: 65536)
    var packets = PipeReader(end.transmit.transmitPipe)
    var completions = PipeWriter(end.transmit.receivePipe)
    for round in 1...5 {
      #expect(try end.fill() == 512)
      #expect(end.link.statistics.sent.packets == UInt64(512 * round))
      // Each completed once, between completions of nothing.
      while let slot = packets.pull() {
        let identifier = packets.memory.field64(slot.offset)
        for claimed in [.max, identifier, 512] { try complete(&completions, claimed) }
      }
      packets.flush()
      completions.flush()
      #expect(end.inbox.waitForRoom(after: round - 1))
    }
    #expect(try eventually { end.link.statistics.sent[.badCompletion] >= 4 * 2 * 512 })
    #expect(end.inbox.snapshot.closeReasons.isEmpty)
    #expect(try end.ends())
  }

  @Test func `takes as many packets as fit into a client's pipe`() throws {
    let end = try LoneEnd(.client)
    #expect(try end.fill() == Pipe.capacity(pipeByteCount: 4096, messageByteCount: 28))
    #expect(try end.ends())
  }

  @Test func `takes as many packets as fit into a server's pipe`() throws {
    let end = try LoneEnd(.server)
    var posts = PipeWriter(end.receive.transmitPipe)
    for number in 0..<100 { try post(&posts, 2048 * UInt64(number), 2048, UInt64(number)) }
    posts.flush()
    #expect(try end.fill() == Pipe.capacity(pipeByteCount: 4096, messageByteCount: 36))
    #expect(try end.ends())
  }

  @Test func `takes as many packets as a server was given buffers, bad ones aside`() throws {
    let end = try LoneEnd(.server, pipeByteCount: 65536)
    #expect(try end.fill() == 0)
    var posts = PipeWriter(end.receive.transmitPipe)
    for number: UInt64 in 0..<40 {
      try post(&posts, .max, 2048, number)
      try post(&posts, 2048 * number, 0, number)
      try post(&posts, 2048 * UInt64(number), 2048, UInt64(number))
    }
    posts.flush()
    #expect(end.inbox.waitForRoom(after: 0))
    #expect(try end.fill() == 40)
    #expect(end.link.statistics.sent[.badCompletion] == 80)
    #expect(end.inbox.snapshot.closeReasons.isEmpty)
    #expect(try end.ends())
  }

  @Test func `closes while a client's posts wait for room, and posts them as it comes`() throws {
    // 16384 buffers, and a pipe for about a hundred posts.
    let end = try LoneEnd(.client, bufferByteCount: 64)
    let fitting = Pipe.capacity(pipeByteCount: 4096, messageByteCount: 32)
    var posts = PipeReader(end.receive.transmitPipe)
    var seen: Set<UInt64> = []
    func take() -> Int {
      var count = 0
      while let slot = posts.pull() {
        seen.insert(posts.memory.field64(slot.offset + 24))
        count += 1
      }
      posts.flush()
      return count
    }
    var (rounds, most) = (0, 0)
    let goesOn = try eventually {
      let count = take()
      most = max(most, count)
      rounds += count > 0 ? 1 : 0
      return rounds >= 10
    }
    #expect(goesOn)
    #expect(most <= fitting + 1)
    #expect(seen.count > 5 * fitting)
    #expect(try end.ends())
  }

  @Test func `closes while a server's completions wait for room, and delivers the rest as it comes`() throws {
    let end = try LoneEnd(.server)
    let fitting = Pipe.capacity(pipeByteCount: 4096, messageByteCount: 8)
    var packets = PipeWriter(end.transmit.transmitPipe)
    var completions = PipeReader(end.transmit.receivePipe)
    /// Sends one packet as soon as the pipe has room; nobody collects what comes back.
    func send() throws {
      var slot: PipeSlot?
      let hasRoom = try eventually {
        slot = packets.push(28)
        return slot != nil
      }
      #expect(hasRoom)
      let offset = try #require(slot?.offset)
      packets.memory.setField64(7, offset)
      packets.memory.setField32(50, offset + 8)
      packets.memory.setField64(0, offset + 16)
      packets.memory.setField32(50, offset + 24)
      packets.flush()
      _ = EventCounter.add(1, to: end.transmit.event)
    }
    for _ in 0..<fitting + 20 { try send() }
    #expect(end.inbox.waitForPackets(fitting).count >= fitting)
    // Everything was there before two more sleeps, so what was not delivered by then waits.
    let sleeps = end.link.statistics[.sleep]
    #expect(try eventually { end.link.statistics[.sleep] > sleeps + 1 })
    #expect(end.link.statistics.received.packets <= fitting + 1)
    var collected = 0
    let hasCompletedAll = try eventually {
      while completions.pull() != nil { collected += 1 }
      completions.flush()
      return collected == fitting + 20
    }
    #expect(hasCompletedAll)
    #expect(end.inbox.waitForPackets(fitting + 20).count == fitting + 20)
    for _ in 0..<fitting + 20 { try send() }
    #expect(end.inbox.waitForPackets(2 * fitting + 20).count >= 2 * fitting + 20)
    #expect(try end.ends())
  }
}
