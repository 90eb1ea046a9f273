import LinkCore
import LinkQueue
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// A client whose server is the test, with its hands in the memory.
private final class Client {
  let link: SharedMemEndpoint
  let inbox = Inbox()
  let transmit: RawQueue
  let receive: RawQueue
  private var batch = PacketBatch(capacity: 32, pool: PacketPool(frameByteCount: 1500, capacity: 32))

  init() throws {
    let queues = try QueuePair.make()
    transmit = try RawQueue(Array(queues.descriptors[..<5]))
    receive = try RawQueue(Array(queues.descriptors[5...]))
    link = try SharedMemEndpoint(.client, queues: queues)
    for _ in 0..<32 { batch.append { packet in packet.append(100) { $0[0] = 0x45 } } }
    try link.attach(inbox)
  }

  /// Writes until nothing fits.
  func fill() throws {
    do throws(LinkError) { while true { try link.writeBatch(batch) } } catch {
      if error.code != .wouldBlock { throw error }
    }
  }

  func write() throws { try link.writeBatch(batch) }
}

/// What no honest peer does: a slot whose header is zero.
private func breakPipe(_ pipe: SharedRegion) { pipe.storeReleasing(0, 0) }

private func isBroken(_ reason: LinkCloseReason?) -> Bool {
  if case .failed(let error) = reason { return error.code == .protocolViolation }
  return false
}

@Suite struct `A pipe that the peer broke ends the link` {
  @Test func `when packets are awaited`() throws {
    let client = try Client()
    breakPipe(client.receive.receivePipe)
    _ = EventCounter.add(1, to: client.receive.event)
    #expect(isBroken(client.inbox.waitForClose()))
  }

  @Test func `when room is awaited`() throws {
    let client = try Client()
    try client.fill()
    breakPipe(client.transmit.receivePipe)
    #expect(isBroken(client.inbox.waitForClose()))
  }

  @Test func `when it is awaited that the peer takes everything`() throws {
    let client = try Client()
    try client.write()
    breakPipe(client.transmit.receivePipe)
    #expect(!client.link.isDrained)
    #expect(isBroken(client.inbox.waitForClose()))
  }

  @Test func `when packets are sent, though all of them fit`() throws {
    let client = try Client()
    breakPipe(client.transmit.receivePipe)
    // Completions are collected behind every 64 packets.
    for _ in 0..<2 { try client.write() }
    #expect(isBroken(client.inbox.waitForClose()))
  }
}
