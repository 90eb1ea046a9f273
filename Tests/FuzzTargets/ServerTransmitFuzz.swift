import LinkCore
import LinkQueue
import LinkTestSupport

/// A server sends into what a client posted. From an honest pipe: the good posts are used in their order and given back
/// as they came, each packet arrives as it was, and no byte is written outside the posts.
struct ServerTransmitFuzz: NearEnd, ~Copyable {
  private struct Post {
    let offset: UInt64
    let size: UInt64
    let facts: [UInt8]
  }

  private let memory: QueueMemory
  private var queue: ServerTransmitQueue
  private var departures = Departures()
  private var posts: [Post] = []
  private var badPosts: UInt64 = 0
  private var isWritten: [Bool]
  var isHonest = true

  init(_ memory: QueueMemory) {
    self.memory = memory
    isWritten = Array(repeating: false, count: memory.data.byteCount)
    queue = ServerTransmitQueue(
      posts: memory.toNear.region, packets: memory.fromNear.region, data: memory.data.region,
      shared: memory.shared.region)
  }

  mutating func willSee(_ message: [UInt8]) {
    guard message.count == 32 else {
      badPosts += 1
      return
    }
    let (offset, size) = (message.number(at: 0, byteCount: 8), message.number(at: 8, byteCount: 4))
    guard size > 0, memory.isWithinData(offset, size) else {
      badPosts += 1
      return
    }
    posts.append(Post(offset: offset, size: size, facts: Array(message[16...])))
  }

  mutating func wasHeard(_ message: [UInt8]) throws(FuzzFailure) {
    let frame = try departures.arrived()
    try check(message.count >= 36 && (message.count - 8) % 28 == 0, "a message of \(message.count) bytes")
    try check(message.number(at: 0, byteCount: 8) == UInt64(frame.count), "another total")
    var position = 0
    for buffer in stride(from: 8, to: message.count, by: 28) {
      try check(!posts.isEmpty, "a buffer that nobody posted")
      let post = posts.removeFirst()
      let size = Int(message.number(at: buffer + 8, byteCount: 4))
      try check(message.number(at: buffer, byteCount: 8) == post.offset, "another place than was posted")
      try check(Array(message[(buffer + 12)..<(buffer + 28)]) == post.facts, "another id or user data")
      try check(size == min(Int(post.size), frame.count - position) && size > 0, "a buffer of \(size) bytes")
      position += size
      let place = Int(post.offset)..<Int(post.offset) + size
      for offset in place { isWritten[offset] = true }
      // Posts may lie over each other: the last copy is whole for certain.
      if position == frame.count {
        try check(memory.dataBytes(place.lowerBound, size) == Array(frame[(position - size)...]), "other bytes")
      }
    }
    try check(position == frame.count, "\(position) bytes of \(frame.count)")
  }

  mutating func act(_ input: inout FuzzInput) throws(FuzzFailure) {
    // One at a time: the next might be written over it.
    try departures.send(&queue, &input, atMost: 1)
  }

  mutating func look() throws(FuzzFailure) {
    _ = queue.hasRoom()
    let isDrained = queue.isDrained()
    if isHonest {
      try check(!isDrained || departures.sent.isEmpty, "drained with packets under way")
      try check(queue.tally[.badCompletion] <= badPosts, "bad posts: more than \(badPosts)")
    }
  }

  var isAtRest: Bool { departures.sent.isEmpty }

  mutating func settled() throws(FuzzFailure) {
    try check(memory.isUntouched { !isWritten[$0] }, "a byte outside the posts was written")
  }
}
