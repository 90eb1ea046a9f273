import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

@Suite struct `The state of a link` {
  @Test func `tells a full link from an idle and a closed one`() throws {
    let queues = try QueuePair.make()
    let client = try SharedMemEndpoint(.client, queues: try queues.duplicate())
    let server = try SharedMemEndpoint(.server, queues: queues)
    defer { server.close() }
    #expect(
      client.state.description == "client idle, between turns, 0 packets under way, 512 buffers free, 0 buffers posted")
    try client.attach(Inbox())
    var batch = PacketBatch(capacity: 64, pool: PacketPool(frameByteCount: 100, capacity: 64))
    for _ in 0..<64 { batch.append { packet in packet.append(50) { $0[0] = 0x45 } } }
    for _ in 0..<8 { try client.writeBatch(batch) }
    do throws(LinkError) { try client.writeBatch(batch) } catch { #expect(error.code == .wouldBlock) }
    let full = client.state
    #expect(full.isRoomWanted)
    #expect(full.lifecycle == .attached)
    // The worker may hold a part at the moment of one look, but not for ever.
    let isWhole = try eventually {
      client.state.sending?.packetsUnderWay == 512 && client.state.receiving?.postedBuffers == 512
        && client.state.isWaiting == true
    }
    #expect(isWhole, "\(client.state)")
    #expect(server.state.receiving?.hasInput == true)
    #expect(try #require(server.state.sending).packetsUnderWay == nil)
    client.close()
    try client.wait()
    let closed = client.state
    #expect(closed.lifecycle == .closed(.requested) && closed.sending == nil && closed.receiving == nil)
    #expect(closed.description.contains("closed (requested)"))
  }

  @Test func `waits for nobody who does not come back from a callback`() throws {
    let queues = try QueuePair.make()
    let client = try SharedMemEndpoint(.client, queues: try queues.duplicate())
    let server = try SharedMemEndpoint(.server, queues: queues)
    defer {
      client.close()
      server.close()
    }
    let (entered, leave) = (Latch(), Latch())
    defer { leave.open() }
    try server.attach(
      Inbox(onDelivery: { _ in
        entered.open()
        leave.wait()
      }))
    try client.attach(Inbox())
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 100, capacity: 1))
    batch.append { packet in packet.append(50) { $0[0] = 0x45 } }
    try client.writeBatch(batch)
    #expect(entered.wait(deadline: deadline()))
    let state = try #require(try inThread { server.state })
    #expect(state.isWaiting == nil && state.receiving == nil)
    #expect(state.description.contains("in a turn"))
  }
}
