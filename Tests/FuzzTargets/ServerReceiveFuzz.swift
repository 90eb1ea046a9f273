import LinkCore
import LinkQueue
import LinkTestSupport

/// A server receives what a client wrote. Always: bounded turns, frames that fit, and the client's data is only read. From
/// an honest pipe: each message is the frame that the wire format says, or the drop, and each that has an id is completed
/// with it, in order.
struct ServerReceiveFuzz: NearEnd, ~Copyable {
  private let memory: QueueMemory
  private var queue: ServerReceiveQueue
  private var arrivals = Arrivals()
  private var completions: [[UInt8]] = []
  var isHonest = true

  init(_ memory: QueueMemory) {
    self.memory = memory
    queue = ServerReceiveQueue(
      packets: memory.toNear.region, completions: memory.fromNear.region, data: memory.data.region)
  }

  mutating func willSee(_ message: [UInt8]) {
    arrivals.willSee(message)
    if message.count >= 16 { completions.append(Array(message[..<8])) }
  }

  mutating func wasHeard(_ message: [UInt8]) throws(FuzzFailure) {
    try check(message == completions.first, "another completion")
    completions.removeFirst()
  }

  mutating func act(_ input: inout FuzzInput) throws(FuzzFailure) {
    let memory = memory
    try arrivals.receive(
      &queue, &input, foretold: isHonest ? { messages in messages.map { Self.outcome($0, memory) } } : nil)
  }

  mutating func look() throws(FuzzFailure) {
    let (isEmpty, isBlocked) = (queue.isEmpty, queue.isBlocked)
    if isHonest {
      try check(!isEmpty || arrivals.visible.isEmpty, "empty, but there are messages")
      try check(!isBlocked || !completions.isEmpty, "blocked with nothing owed")
    }
  }

  var isAtRest: Bool { arrivals.visible.isEmpty && completions.isEmpty }

  mutating func settled() throws(FuzzFailure) {
    try check(memory.isUntouched { _ in true }, "the server wrote into the client's packets")
  }

  /// By the wire format: total, then per buffer offset and size.
  private static func outcome(_ message: [UInt8], _ memory: QueueMemory) -> Outcome {
    guard message.count >= 16 else { return .dropped(.malformed) }
    let total = Int(message.number(at: 8, byteCount: 4))
    if total == 0 { return .dropped(.empty) }
    if total > Arrivals.mostFrameBytes { return .dropped(.oversize) }
    var frame: [UInt8] = []
    var buffer = 16
    while frame.count < total {
      guard buffer + 12 <= message.count else { return .dropped(.malformed) }
      let offset = message.number(at: buffer, byteCount: 8)
      let size = min(message.number(at: buffer + 8, byteCount: 4), UInt64(total - frame.count))
      guard memory.isWithinData(offset, size) else { return .dropped(.malformed) }
      frame += memory.dataBytes(Int(offset), Int(size))
      buffer += 12
    }
    return .frame(frame)
  }
}
