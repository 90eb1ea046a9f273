import LinkCore
import LinkQueue

/// The sending half of a near end: frames of many sizes, and what a send call may do.
struct Departures: ~Copyable {
  /// In each geometry of `QueueMemory` a queue carries such frames.
  private static let mtu = 300
  private var batch = PacketBatch(capacity: 4, pool: PacketPool(frameByteCount: 400, capacity: 4))
  private var number: UInt8 = 0
  /// What was sent and did not arrive yet.
  private(set) var sent: [[UInt8]] = []

  /// Calls `queue` once, with up to `most` frames.
  mutating func send<Queue: SendingQueue & ~Copyable>(
    _ queue: inout Queue, _ input: inout FuzzInput, atMost most: Int
  ) throws(FuzzFailure) {
    let before = queue.tally
    let frames = (0...input.choice(most)).map { _ in makeFrame(1 + input.choice(400)) }
    batch.removeAll()
    for frame in frames {
      batch.append { packet in packet.append(frame.count) { for index in frame.indices { $0[index] = frame[index] } } }
    }
    let limits = SendLimits(mtu: Self.mtu, headerLength: 0)
    let taken = batch.withPackets { queue.send($0, limits) }
    let after = queue.tally
    try check(taken <= frames.count && after.offered - before.offered == UInt64(taken), "took \(taken)")
    let fitting = frames[..<taken].filter { $0.count <= Self.mtu }
    let isExact = after.packets - before.packets == UInt64(fitting.count)
    // A server drops a frame that the client's buffers are too small for.
    if isExact { sent += fitting } else { try check(taken == 1, "sent others than it took") }
    if taken < frames.count, !queue.isCorrupt, queue.hasRoom() {
      let more = batch.withPackets { queue.send($0.extracting(taken...taken), limits) }
      try check(more == 1 || queue.isCorrupt, "room for a packet, but no room")
      if more == 1, frames[taken].count <= Self.mtu, queue.tally[.oversize] == after[.oversize] {
        sent.append(frames[taken])
      }
    }
  }

  /// The next frame that must arrive.
  mutating func arrived() throws(FuzzFailure) -> [UInt8] {
    try check(!sent.isEmpty, "a packet that nobody sent")
    return sent.removeFirst()
  }

  private mutating func makeFrame(_ byteCount: Int) -> [UInt8] {
    number &+= 1
    return (0..<byteCount).map { number &+ UInt8(truncatingIfNeeded: $0) &* 3 }
  }
}
