import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Several threads write to one link, each its own flows.
struct WriterThreadTests {
  @Test(arguments: [1, 2, 4])
  func `every flow of every writer stays in order under load`(_ descriptorCount: Int) throws {
    let pairs = try (0..<descriptorCount).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
    let sender = try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] })
    let receiver = try FDEndpoint(takingOwnershipOf: pairs.map { $0[1] })
    defer { for link in [sender, receiver] { link.close() } }
    let (order, room) = (FlowOrder(isConcurrent: true), Inbox())
    try receiver.attach(order)
    try sender.attach(room)
    let (writers, each) = (4, 1500)
    let failures = Monitor([String]())
    try concurrently(writers) { writer in
      do {
        // Four flows of this writer's, by turns.
        let frames = (0..<each).map { Flows.frame(writer * 4 + $0 % 4, $0) }
        // Another writer may have been told of the room.
        try LinkConformance.send(frames, on: sender, room, patience: .milliseconds(2))
      } catch { failures.withLock { $0.append("\(error)") } }
    }
    #expect(failures.withLock { $0 } == [])
    #expect(try eventually { order.count == writers * each })
    #expect(order.disorder == 0)
    let (sent, received) = (sender.statistics.sent, receiver.statistics.received)
    #expect(sent.packets == UInt64(writers * each) && sent.dropped == 0)
    #expect(received.packets == sent.packets && received.bytes == sent.bytes && received.dropped == 0)
  }
}
