import LinkCore
import LinkQueue
import LinkSystem
import LinkTestSupport
import SharedMemLink

/// A link whose peer is the test, with its hands in the memory.
final class Foreign {
  let queues: (RawQueue, RawQueue)
  let end: RoomEnd

  init(_ role: SharedMemEndpoint.Role) throws {
    let pair = try QueuePair.make()
    queues = (try RawQueue(Array(pair.descriptors[..<5])), try RawQueue(Array(pair.descriptors[5...])))
    end = RoomEnd(try SharedMemEndpoint(role, queues: pair), .thread)
    try end.attach()
  }

  /// The shared data of the queue that the link sends on.
  var page: SharedRegion { outgoing.sharedData }

  var outgoing: RawQueue { end.link.role == .client ? queues.0 : queues.1 }
  var incoming: RawQueue { end.link.role == .client ? queues.1 : queues.0 }
  func ring() { _ = EventCounter.add(1, to: incoming.event) }

  /// Does what makes room, as another implementation does it: nothing but the pipes is touched.
  func makeRoom() {
    switch end.link.role {
    case .client:
      var server = ServerReceiveQueue(
        packets: queues.0.transmitPipe, completions: queues.0.receivePipe, data: queues.0.data)
      var batch = PacketBatch(capacity: 64, pool: PacketPool(frameByteCount: 1500, capacity: 64))
      let available = batch.prepareToReceive()
      while server.receive(into: &batch, available: available, LinkFraming(address: nil)) > 0 {}
    case .server:
      var client = ReceiveQueue(
        posts: queues.1.transmitPipe, packets: queues.1.receivePipe, data: queues.1.data, bufferByteCount: 2048)
      client.postBuffers()
    }
  }
}
