/// What a peer's bytes are fed to. Each target takes any bytes at all as its input: it reads out of them what the peer does,
/// and when. An input is good if nothing traps, no access strays, no work is without bound, and the promises that the
/// target states hold.
package enum FuzzTarget: String, CaseIterable, Sendable {
  /// Both ends of a pipe, over a memory that changes between any two reads.
  case pipe
  /// The server's `ServerReceiveQueue` under a client's packets.
  case serverReceive = "server-receive"
  /// The client's `TransmitQueue` under a server's completions.
  case clientTransmit = "client-transmit"
  /// The server's `ServerTransmitQueue` under a client's posted buffers.
  case serverTransmit = "server-transmit"
  /// The client's `ReceiveQueue` under a server's packets.
  case clientReceive = "client-receive"
  /// The two messages of a hand-over, received with any descriptors.
  case handOver = "hand-over"
  /// What lies in front of a frame: Ethernet's header, virtio's.
  case linkHeaders = "link-headers"
  /// What is cut, or gets its checksum, in software.
  case segmentation
  /// What comes from outside and is joined to larger packets.
  case gro

  /// Runs one input. Throws where a promise was not kept.
  package func run(_ content: [UInt8]) throws(FuzzFailure) {
    var input = FuzzInput(content)
    switch self {
    case .pipe: try PipeFuzz.run(&input)
    case .serverReceive: try QueueFuzz<ServerReceiveFuzz>.run(&input)
    case .clientTransmit: try QueueFuzz<ClientTransmitFuzz>.run(&input)
    case .serverTransmit: try QueueFuzz<ServerTransmitFuzz>.run(&input)
    case .clientReceive: try QueueFuzz<ClientReceiveFuzz>.run(&input)
    case .handOver: try HandOverFuzz.run(&input)
    case .linkHeaders: try LinkHeaderFuzz.run(content)
    case .segmentation: try SegmentationFuzz.run(&input)
    case .gro: try CoalescingFuzz.run(&input)
    }
  }
}

/// A promise that an input broke.
package struct FuzzFailure: Error, CustomStringConvertible {
  package let description: String
}

/// Says that a promise holds.
func check(_ condition: @autoclosure () throws(FuzzFailure) -> Bool, _ promise: @autoclosure () -> String)
  throws(FuzzFailure)
{
  if try !condition() { throw FuzzFailure(description: promise()) }
}
