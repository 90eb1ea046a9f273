import LinkCore
import LinkQueue
import LinkTestSupport

/// A client sends, and a server completes what it likes. From an honest pipe: each packet arrives as it was, in buffers
/// that no packet under way has, and exactly the completions of packets under way count.
struct ClientTransmitFuzz: NearEnd, ~Copyable {
  private let memory: QueueMemory
  private var queue: TransmitQueue
  private var departures = Departures()
  private var visible: [[UInt8]] = []
  /// Packets under way: their buffers, by id.
  private var underWay: [UInt64: [Range<Int>]] = [:]
  private var badCompletions: UInt64 = 0
  var isHonest = true

  init(_ memory: QueueMemory) {
    self.memory = memory
    queue = TransmitQueue(
      packets: memory.fromNear.region, completions: memory.toNear.region, data: memory.data.region,
      shared: memory.shared.region, bufferByteCount: memory.bufferByteCount)
  }

  mutating func willSee(_ message: [UInt8]) { visible.append(message) }

  mutating func wasHeard(_ message: [UInt8]) throws(FuzzFailure) {
    let frame = try departures.arrived()
    let count = (frame.count + memory.bufferByteCount - 1) / memory.bufferByteCount
    try check(message.count == 16 + 12 * count, "a message of \(message.count) bytes")
    try check(message.number(at: 8, byteCount: 8) == UInt64(frame.count), "another total")
    var buffers: [Range<Int>] = []
    for index in 0..<count {
      let offset = Int(message.number(at: 16 + 12 * index, byteCount: 8))
      let size = Int(message.number(at: 24 + 12 * index, byteCount: 4))
      let begin = index * memory.bufferByteCount
      try check(offset % memory.bufferByteCount == 0 && offset + size <= memory.data.byteCount, "no buffer")
      try check(size == min(memory.bufferByteCount, frame.count - begin), "a buffer of \(size) bytes")
      try check(memory.dataBytes(offset, size) == Array(frame[begin..<begin + size]), "other bytes")
      let isFree = !(Array(underWay.values.joined()) + buffers).contains { $0.contains(offset) }
      try check(isFree, "a buffer of two packets")
      buffers.append(offset..<offset + memory.bufferByteCount)
    }
    let identifier = message.number(at: 0, byteCount: 8)
    try check(underWay.updateValue(buffers, forKey: identifier) == nil, "an id of two packets")
  }

  mutating func act(_ input: inout FuzzInput) throws(FuzzFailure) {
    // What is completed and collected in the same call as the id is used again can be foretold in either order.
    try collect()
    try departures.send(&queue, &input, atMost: 4)
  }

  private mutating func collect() throws(FuzzFailure) {
    // A call collects no more than an honest server can have sent; the pipe holds more than that.
    for _ in 0..<16 { queue.collectCompletions() }
    for message in visible
    where message.count != 8 || underWay.removeValue(forKey: message.number(at: 0, byteCount: 8)) == nil {
      badCompletions += 1
    }
    visible = []
    if isHonest { try check(queue.tally[.badCompletion] == badCompletions, "bad completions: not \(badCompletions)") }
  }

  mutating func look() throws(FuzzFailure) {
    try collect()
    let isDrained = queue.isDrained()
    _ = queue.hasRoom()
    if isHonest { try check(isDrained == underWay.isEmpty, "drained: \(isDrained)") }
  }

  var isAtRest: Bool { departures.sent.isEmpty }
  mutating func settled() {}
}
