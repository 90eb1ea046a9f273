import LinkCore
import LinkQueue

/// The sizes of a link's queues, in bytes. The defaults are those of the common implementations.
public struct QueueGeometry: Equatable, Sendable {
  /// The equal pieces into which the client cuts a data area. A packet takes as many as it needs.
  public var bufferByteCount = 2048
  /// The data area of one queue: how much may be under way.
  public var dataByteCount = 1 << 20
  /// Each of a queue's two pipes.
  public var pipeByteCount = 1 << 16
  /// The page with the notification word.
  static let sharedByteCount = 4096

  public init() {}

  /// What others may make of it: one page, of whatever size.
  static let sharedRange = 4096...65536

  /// What a queue can have.
  public static let bufferRange = TransmitQueue.bufferByteCounts
  static let dataRange = 4096...(1 << 30)
  static let pipeRange = 4096...(1 << 24)

  func validate() throws(LinkError) {
    try Self.validate(bufferByteCount: bufferByteCount)
    guard Self.dataRange.contains(dataByteCount), dataByteCount >= bufferByteCount else {
      throw LinkError(
        .invalidArgument, "data area of \(dataByteCount) bytes: must be 4096 to 1 GiB, and a buffer at the least")
    }
    guard Self.pipeRange.contains(pipeByteCount) else {
      throw LinkError(.invalidArgument, "pipes of \(pipeByteCount) bytes: must be 4096 bytes to 16 MiB")
    }
  }

  static func validate(bufferByteCount: Int) throws(LinkError) {
    guard bufferRange.contains(bufferByteCount) else {
      throw LinkError(
        .invalidArgument,
        "buffers of \(bufferByteCount) bytes: must be \(bufferRange.lowerBound) to \(bufferRange.upperBound)")
    }
  }
}
