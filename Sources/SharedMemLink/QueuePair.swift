public import LinkCore
import LinkQueue

/// The two queues of a link, named by the client's side: `transmit` carries client to server, `receive` server to client.
/// Both ends hold a pair of the same files.
public struct QueuePair: ~Copyable, Sendable {
  var transmit: QueueFiles
  var receive: QueueFiles

  public init(transmit: consuming QueueFiles, receive: consuming QueueFiles) {
    self.transmit = transmit
    self.receive = receive
  }

  /// Makes two fresh queues. Hand them to the peer, or keep a `duplicate()`, before an endpoint takes them.
  public static func make(_ geometry: QueueGeometry = QueueGeometry()) throws(LinkError) -> QueuePair {
    QueuePair(transmit: try .make(geometry), receive: try .make(geometry))
  }

  /// The ten numbers: the transmit queue's five, then the receive queue's.
  public var descriptors: [Int32] { transmit.descriptors + receive.descriptors }

  /// The sizes of the eight memory files, in the same order.
  var memoryByteCounts: [Int] { transmit.memoryByteCounts + receive.memoryByteCounts }

  /// The longest frame that both queues carry, what precedes it included, in bytes.
  func mostFrameByteCount(cutInto bufferByteCount: Int) -> Int {
    let (sent, received) = (transmit.memoryByteCounts, receive.memoryByteCounts)
    return min(
      TransmitMessage.mostFrameByteCount(
        dataByteCount: sent[0], pipeByteCount: sent[1], cutInto: bufferByteCount),
      ReceiveMessage.mostFrameByteCount(
        dataByteCount: received[0], pipeByteCount: received[2], cutInto: bufferByteCount))
  }

  /// A second pair on the same files, for the other end in the same process.
  public func duplicate() throws(LinkError) -> QueuePair {
    QueuePair(transmit: try transmit.duplicate(), receive: try receive.duplicate())
  }

  /// Maps both queues for one role: the one it sends on first.
  consuming func mapped(_ role: SharedMemEndpoint.Role) throws(LinkError) -> MappedPair {
    // Eventfds all have one identity; the eight memory files must not.
    let files = try transmit.memoryIdentities() + receive.memoryIdentities()
    guard Set(files).count == files.count else {
      throw LinkError(.badDescriptor, "the queues share a memory file: each of their eight has to be a file of its own")
    }
    let first = try MappedQueue.map(transmit)
    let second = try MappedQueue.map(receive)
    switch role {
    case .client: return MappedPair(outgoing: first, incoming: second)
    case .server: return MappedPair(outgoing: second, incoming: first)
    }
  }
}

/// The queues of a link as one end sees them, mapped.
struct MappedPair: ~Copyable, Sendable {
  let outgoing: MappedQueue
  let incoming: MappedQueue

  /// Puts the role's queues on the memory.
  consuming func halves(
    _ role: SharedMemEndpoint.Role, _ peer: consuming sending PeerDescriptor?, _ room: RoomRequest,
    bufferByteCount: Int, format: FrameFormat, batch: consuming sending PacketBatch, framing: LinkFraming,
    askPool: @escaping @Sendable (PacketPool) -> Bool
  ) -> (any Sender, any Receiver) {
    let desk = RoomDesk(answer: RoomAnswer(incoming.sharedData), news: RoomNews(outgoing.sharedData), outgoing.bell)
    switch role {
    case .client:
      let transmit = TransmitQueue(
        packets: outgoing.transmitPipe, completions: outgoing.receivePipe, data: outgoing.data,
        shared: outgoing.sharedData, bufferByteCount: bufferByteCount, format: format)
      let receive = ReceiveQueue(
        posts: incoming.transmitPipe, packets: incoming.receivePipe, data: incoming.data,
        bufferByteCount: bufferByteCount, format: format)
      return (
        QueueSender(SenderState(transmit, outgoing, room)),
        QueueReceiver(
          ReceiverState(receive, incoming, desk, peer, batch: batch, framing: framing, askPool: askPool))
      )
    case .server:
      let transmit = ServerTransmitQueue(
        posts: outgoing.transmitPipe, packets: outgoing.receivePipe, data: outgoing.data,
        shared: outgoing.sharedData, format: format)
      let receive = ServerReceiveQueue(
        packets: incoming.transmitPipe, completions: incoming.receivePipe, data: incoming.data, format: format)
      return (
        QueueSender(SenderState(transmit, outgoing, room)),
        QueueReceiver(
          ReceiverState(receive, incoming, desk, peer, batch: batch, framing: framing, askPool: askPool))
      )
    }
  }
}
