import LinkCore
import LinkQueue

/// What becomes of one message.
enum Outcome {
  case frame([UInt8])
  case dropped(DropCause)
}

/// The receiving half of a near end: what a receive call may do, and what it must have done.
struct Arrivals: ~Copyable {
  /// The longest frame that there is room for.
  static let mostFrameBytes = 300

  private var batch = PacketBatch(capacity: 8, pool: PacketPool(frameByteCount: mostFrameBytes, capacity: 8))
  private let framing = LinkFraming(address: nil)
  /// What the far end published, and was not received yet.
  private(set) var visible: [[UInt8]] = []
  private var expected = LinkTally()

  mutating func willSee(_ message: [UInt8]) { visible.append(message) }

  /// Calls `queue` once. `outcomes` foretells the messages that it took; nil: nobody can.
  mutating func receive<Queue: ReceivingQueue & ~Copyable>(
    _ queue: inout Queue, _ input: inout FuzzInput, foretold outcomes: (([[UInt8]]) -> [Outcome])?
  ) throws(FuzzFailure) {
    let available = min(batch.prepareToReceive(), 1 + input.choice(8))
    let before = queue.tally.offered
    let count = queue.receive(into: &batch, available: available, framing)
    let taken = Int(queue.tally.offered - before)
    try check(count <= available && batch.count == count, "\(count) packets where \(available) have room")
    try check(taken <= 2 * available, "\(taken) messages in one turn")
    for index in 0..<count {
      let byteCount = batch.withPacket(index) { $0.frameByteCount }
      try check(byteCount > 0 && byteCount <= Self.mostFrameBytes, "a frame of \(byteCount) bytes")
    }
    guard let outcomes else { return }
    try check(taken <= visible.count, "a message that nobody sent")
    try compare(outcomes(Array(visible.prefix(taken))))
    visible.removeFirst(taken)
    for cause in DropCause.allCases {
      try check(queue.tally[cause] == expected[cause], "\(cause): \(queue.tally[cause]), not \(expected[cause])")
    }
  }

  private mutating func compare(_ outcomes: [Outcome]) throws(FuzzFailure) {
    var index = 0
    for outcome in outcomes {
      switch outcome {
      case .dropped(let cause): expected[cause] += 1
      case .frame(let bytes):
        try check(index < batch.count, "a packet is missing")
        let isSame = batch.withBytes(of: index) { frame in
          frame.count == bytes.count && bytes.indices.allSatisfy { frame[$0] == bytes[$0] }
        }
        try check(isSame, "other bytes than were sent")
        index += 1
      }
    }
    try check(index == batch.count, "a packet that should have been dropped")
  }
}
