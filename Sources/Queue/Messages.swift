/// The four messages of a queue, as byte offsets into a slot's payload. Integers are little endian; fields that are not
/// aligned to their size are read in halves. See Documentation/WireFormat.md.

/// A message that names the buffers of a packet.
package protocol PacketMessage {
  static var totalByteCount: Int { get }
  static var headerByteCount: Int { get }
  /// Then, per buffer.
  static var bufferByteCount: Int { get }
  static var bufferOffset: Int { get }
}

extension PacketMessage {
  @inline(__always) static func byteCount(buffers: Int) -> Int { headerByteCount &+ buffers &* bufferByteCount }

  /// The longest frame that a queue with such messages carries for certain, in bytes.
  package static func mostFrameByteCount(dataByteCount: Int, pipeByteCount: Int, cutInto bufferByteCount: Int) -> Int {
    let message = Pipe.maxFittingByteCount(Pipe.length(pipeByteCount)) - headerByteCount
    let buffers = BufferArena.bufferCount(dataByteCount, bufferByteCount)
    return min(buffers, max(0, message) / Self.bufferByteCount) * bufferByteCount
  }
}

/// TX queue, tx pipe: a packet from client to server.
package enum TransmitMessage: PacketMessage {
  package static let identifier = 0
  package static let totalByteCount = 8
  package static let reserved = 12
  package static let headerByteCount = 16
  /// Then, per buffer:
  package static let bufferByteCount = 12
  package static let bufferOffset = 0
  package static let bufferSize = 8
}

/// TX queue, rx pipe: the server is done with a packet.
package enum CompletionMessage {
  package static let identifier = 0
  package static let byteCount = 8
}

/// RX queue, tx pipe: a buffer that the server may fill.
package enum PostedBufferMessage {
  package static let offset = 0
  package static let size = 8
  package static let remainingInGroup = 12
  package static let userData = 16
  package static let identifier = 24
  package static let byteCount = 32
}

/// RX queue, rx pipe: a packet from server to client, in buffers that were posted.
package enum ReceiveMessage: PacketMessage {
  package static let totalByteCount = 0
  package static let reserved = 4
  package static let headerByteCount = 8
  /// Then, per buffer:
  package static let bufferByteCount = 28
  package static let bufferOffset = 0
  package static let bufferSize = 8
  package static let userData = 12
  package static let identifier = 20
}
