package import LinkCore

/// What the two sending queues have in common: `TransmitQueue` of the client, `ServerTransmitQueue` of the server.
package protocol SendingQueue: ~Copyable, Sendable {
  /// Sends a prefix, all of it visible to the peer at once, and returns its length. Packets that can never be sent are
  /// counted and taken.
  mutating func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int
  /// Whether the packet that did not fit last would fit now.
  mutating func hasRoom() -> Bool
  /// Packets that were sent and not known to be completed; nil where nobody tells.
  var packetsUnderWay: Int? { get }
  /// Buffers to send in that are known now.
  var freeBuffers: Int { get }
  /// Whether the peer has taken everything.
  mutating func isDrained() -> Bool
  /// The peer broke one of the pipes.
  var isCorrupt: Bool { get }
  var tally: LinkTally { get set }
  /// By which the peer says whether it wants to be rung.
  var word: NotificationWord<SharedRegion> { get }
  /// As `send`, and everything else that is due once a batch: in one piece, since calls of one member after the other
  /// from another module cost as much as a packet. No more arguments than there are registers: those on the stack cost
  /// as much again. `published`: where others read the tally.
  mutating func write(_ frames: Span<PacketBuffer>, _ limits: SendLimits, _ published: PublishedTally) -> QueueWrite
}

/// What a write to a queue came to.
package struct QueueWrite {
  /// The packets that were taken, a prefix.
  package var count: Int
  /// The peer wants to be rung for them.
  package var isRingDue: Bool
  /// The peer broke one of the pipes.
  package var isCorrupt: Bool
}

extension SendingQueue where Self: ~Copyable {
  @inline(__always)
  package mutating func write(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ published: PublishedTally
  ) -> QueueWrite {
    let count = send(frames, limits)
    published.publish(&tally)
    return QueueWrite(count: count, isRingDue: count > 0 && word.isWanted(), isCorrupt: isCorrupt)
  }
}

/// A turn ends early after so many bytes: what was copied is still in the cache when it is delivered, and the peer gets its
/// buffers back while the rest is on the way.
let mostBytesPerTurn = 1 << 17

/// What the two receiving queues have in common: `ReceiveQueue` of the client, `ServerReceiveQueue` of the server.
package protocol ReceivingQueue: ~Copyable, Sendable {
  /// Receives up to `available` packets, which the batch has room for. Returns how many; 0: nothing was there, or nothing
  /// that can be delivered.
  mutating func receive(into batch: inout PacketBatch, available: Int, _ framing: LinkFraming) -> Int
  /// Nothing to receive right now.
  var isEmpty: Bool { get }
  /// How many packets are there, as far as one sees without going over a wrap slot.
  func messageCount(atMost most: Int) -> Int
  /// Buffers that the peer has to send in; nil where they are its own.
  var postedBuffers: Int? { get }
  /// It waits for room in a pipe of its own, which the peer makes without announcing it.
  var isBlocked: Bool { get }
  /// The peer broke one of the pipes.
  var isCorrupt: Bool { get }
  var tally: LinkTally { get set }
  /// As `receive`, and everything else that is due once a turn.
  mutating func read(
    into batch: inout PacketBatch, available: Int, _ framing: LinkFraming, _ published: PublishedTally
  ) -> QueueRead
}

/// What a look at a queue came to.
package struct QueueRead {
  /// The packets in the batch.
  package var count: Int
  /// The peer broke one of the pipes.
  package var isCorrupt: Bool
}

extension ReceivingQueue where Self: ~Copyable {
  @inline(__always)
  package mutating func read(
    into batch: inout PacketBatch, available: Int, _ framing: LinkFraming, _ published: PublishedTally
  ) -> QueueRead {
    let count = receive(into: &batch, available: available, framing)
    published.publish(&tally)
    return QueueRead(count: count, isCorrupt: isCorrupt)
  }
}
