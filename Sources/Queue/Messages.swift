/// The four messages of a queue, as byte offsets into a slot's payload. Integers are little endian; fields that are not
/// aligned to their size are read in halves. See Documentation/WireFormat.md.

/// TX queue, tx pipe: a packet from client to server.
package enum TransmitMessage {
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
package enum ReceiveMessage {
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
