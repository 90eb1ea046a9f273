import LinkCore
import LinkQueue
import LinkTestSupport

/// A client receives what a server wrote. Always: bounded turns and frames that fit. From an honest pipe: no buffer is
/// posted more often than the server named it, each post is a whole buffer of the client's, and where posts cannot be
/// short of room each message is the frame that the wire format says, or the drop.
struct ClientReceiveFuzz: NearEnd, ~Copyable {
  private let memory: QueueMemory
  private var queue: ReceiveQueue
  private var arrivals = Arrivals()
  /// Per buffer: how often it may still be posted.
  private var mayBePosted: [Int]
  private var badIdentifiers: UInt64 = 0
  var isHonest = true

  init(_ memory: QueueMemory) {
    self.memory = memory
    mayBePosted = Array(repeating: 1, count: memory.data.byteCount / memory.bufferByteCount)
    queue = ReceiveQueue(
      posts: memory.fromNear.region, packets: memory.toNear.region, data: memory.data.region,
      bufferByteCount: memory.bufferByteCount)
    queue.postBuffers()
  }

  /// Room for all posts: then every buffer is the server's whenever it looks.
  private var isForetold: Bool { isHonest && memory.isRoomy }

  mutating func willSee(_ message: [UInt8]) {
    arrivals.willSee(message)
    for buffer in Self.buffers(message) {
      if buffer.identifier < UInt64(mayBePosted.count) {
        mayBePosted[Int(buffer.identifier)] += 1
      }
    }
  }

  mutating func wasHeard(_ message: [UInt8]) throws(FuzzFailure) {
    try check(message.count == 32, "a post of \(message.count) bytes")
    let identifier = message.number(at: 24, byteCount: 8)
    try check(identifier < UInt64(mayBePosted.count), "a post of no buffer")
    let isWhole =
      message.number(at: 0, byteCount: 8) == identifier * UInt64(memory.bufferByteCount)
      && message.number(at: 8, byteCount: 8) == UInt64(memory.bufferByteCount)
    try check(isWhole, "a post of another place")
    mayBePosted[Int(identifier)] -= 1
    try check(mayBePosted[Int(identifier)] >= 0, "buffer \(identifier) is posted twice")
  }

  mutating func act(_ input: inout FuzzInput) throws(FuzzFailure) {
    guard isForetold else {
      try arrivals.receive(&queue, &input, foretold: nil)
      return
    }
    var bad: UInt64 = 0
    let (memory, count) = (memory, UInt64(mayBePosted.count))
    try arrivals.receive(&queue, &input) { messages in
      messages.map { message in
        bad += UInt64(Self.buffers(message).count { $0.identifier >= count })
        return Self.outcome(message, memory, buffers: count)
      }
    }
    badIdentifiers += bad
    try check(queue.tally[.badCompletion] == badIdentifiers, "bad ids: not \(badIdentifiers)")
  }

  mutating func look() throws(FuzzFailure) {
    queue.postBuffers()
    try check(queue.postedCount >= 0 && queue.postedCount <= mayBePosted.count, "\(queue.postedCount) buffers")
    let isEmpty = queue.isEmpty
    if isForetold { try check(!isEmpty || arrivals.visible.isEmpty, "empty, but there are messages") }
  }

  var isAtRest: Bool { queue.isEmpty && queue.postedCount == mayBePosted.count }

  mutating func settled() throws(FuzzFailure) {
    if isForetold {
      try check(arrivals.visible.isEmpty && mayBePosted.allSatisfy { $0 == 0 }, "a buffer did not come back")
    }
    try check(memory.isUntouched { _ in true }, "the client wrote into its own packets")
  }

  private struct Buffer {
    let offset: UInt64
    let size: UInt64
    let identifier: UInt64
  }

  /// The buffers of a message that is whole.
  private static func buffers(_ message: [UInt8]) -> [Buffer] {
    guard message.count >= 36, (message.count - 8) % 28 == 0 else { return [] }
    return stride(from: 8, to: message.count, by: 28).map {
      Buffer(
        offset: message.number(at: $0, byteCount: 8), size: message.number(at: $0 + 8, byteCount: 4),
        identifier: message.number(at: $0 + 20, byteCount: 8))
    }
  }

  /// By the wire format, with all buffers posted.
  private static func outcome(_ message: [UInt8], _ memory: QueueMemory, buffers count: UInt64) -> Outcome {
    let buffers = buffers(message)
    if buffers.isEmpty { return .dropped(.malformed) }
    let total = Int(message.number(at: 0, byteCount: 4))
    if total == 0 { return .dropped(.empty) }
    if total > Arrivals.mostFrameBytes { return .dropped(.oversize) }
    let place = UInt64(memory.bufferByteCount)
    var frame: [UInt8] = []
    for buffer in buffers {
      guard buffer.identifier < count, buffer.offset == buffer.identifier * place, buffer.size <= place else {
        return .dropped(.malformed)
      }
      frame += memory.dataBytes(Int(buffer.offset), min(Int(buffer.size), total - frame.count))
    }
    return frame.count == total ? .frame(frame) : .dropped(.malformed)
  }
}
