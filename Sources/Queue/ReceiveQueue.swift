package import LinkCore

/// The client's receiving half: it posts buffers through the RX queue's tx pipe, and gets packets in them through its rx
/// pipe. Each buffer is copied out and posted again at once.
@usableFromInline package struct ReceiveQueue: ReceivingQueue, ~Copyable {
  @usableFromInline var posts: PipeWriter<SharedRegion>
  @usableFromInline var packets: PipeReader<SharedRegion>
  private let data: SharedRegion
  private let format: FrameFormat
  private let bufferByteCount: Int
  /// One per buffer: whether the server has it. Its number is its id.
  private let isPosted: FixedTable<Bool>
  /// Buffers that are ours but not posted, because the pipe had no room: a stack.
  private let idle: FixedTable<UInt32>
  private var idleCount: Int
  package var tally = LinkTally()

  package init(
    posts: SharedRegion, packets: SharedRegion, data: SharedRegion, bufferByteCount: Int,
    format: FrameFormat = .plain
  ) {
    precondition(TransmitQueue.bufferByteCounts.contains(bufferByteCount))
    self.posts = PipeWriter(posts)
    self.packets = PipeReader(packets)
    self.data = data
    self.format = format
    self.bufferByteCount = bufferByteCount
    let count = BufferArena.bufferCount(data.byteCount, bufferByteCount)
    isPosted = FixedTable(count: count, repeating: false)
    idle = FixedTable(count: count, repeating: 0)
    idleCount = count
    // So that the first ones are posted first.
    for index in 0..<count { idle[index] = UInt32(count - 1 - index) }
  }

  /// The peer broke one of the pipes.
  @inlinable package var isCorrupt: Bool { posts.isCorrupt || packets.isCorrupt }
  /// Nothing to receive right now.
  @inlinable package var isEmpty: Bool { packets.isEmpty }
  /// Buffers wait for room in their pipe; the server announces nothing when it takes some out.
  package var isBlocked: Bool { idleCount > 0 }
  /// Buffers that the server has.
  package var postedBuffers: Int? { postedCount }
  package var postedCount: Int { isPosted.count - idleCount }

  /// Posts what can be posted. The link does this when it is attached: nothing flows before.
  package mutating func postBuffers() {
    while idleCount > 0 {
      let buffer = Int(idle[idleCount &- 1])
      guard post(buffer) else { break }
      isPosted[buffer] = true
      idleCount &-= 1
    }
    posts.flush()
  }

  package func messageCount(atMost most: Int) -> Int { packets.messageCount(atMost: most) }

  /// Receives up to a batch. Returns the packets received; 0 with an empty batch: nothing was there, or everything was
  /// malformed.
  package mutating func receive(into batch: inout PacketBatch, available: Int, _ framing: LinkFraming) -> Int {
    format == .plain
      ? receive(into: &batch, available: available, framing, as: .plain)
      : receiveWithHeaders(into: &batch, available: available, framing)
  }

  @inline(never) private mutating func receiveWithHeaders(
    into batch: inout PacketBatch, available: Int, _ framing: LinkFraming
  ) -> Int {
    receive(into: &batch, available: available, framing, as: .virtioNet)
  }

  /// To be called with a constant format.
  @inline(__always) private mutating func receive(
    into batch: inout PacketBatch, available: Int, _ framing: LinkFraming, as format: FrameFormat
  ) -> Int {
    var received = 0
    var bytes = 0
    // Malformed packets fill no place in the batch: they are bounded by themselves.
    var budget = 2 &* available
    var scout = PipeScout()
    while received < available, budget > 0, bytes < mostBytesPerTurn, let slot = packets.pull() {
      budget &-= 1
      if received > 0 {
        scout.goAhead(of: packets) { data.prefetchPacket(of: ReceiveMessage.self, $0, in: packets.memory) }
      }
      let total =
        slot.byteCount >= ReceiveMessage.headerByteCount
        ? Int(packets.memory.field32(slot.offset &+ ReceiveMessage.totalByteCount)) : 0
      var cause: DropCause?
      batch.fill(received) { cause = take(slot, claimedTotal: total, into: &$0, framing, format) }
      if let cause {
        tally[cause] += 1
      } else {
        received &+= 1
        bytes &+= total &- format.headerByteCount
      }
    }
    packets.flush()
    if idleCount > 0 { postBuffers() } else { posts.flush() }
    batch.setReceived(received)
    if received > 0 {
      tally.packets &+= UInt64(truncatingIfNeeded: received)
      tally.bytes &+= UInt64(truncatingIfNeeded: bytes)
      tally.batches &+= 1
    }
    return received
  }

  /// Copies one packet out of its buffers and posts each buffer again, those of a bad packet included: what the server
  /// names wrongly it does not get back. Every number is a claim, read once. Returns why the packet is dropped; nil: it
  /// is whole.
  @inline(__always) private mutating func take(
    _ slot: PipeSlot, claimedTotal total: Int, into packet: inout PacketBuffer, _ framing: LinkFraming,
    _ format: FrameFormat
  ) -> DropCause? {
    let memory = packets.memory
    let rest = slot.byteCount &- ReceiveMessage.headerByteCount
    // Nearly every packet lies in one buffer.
    if rest != ReceiveMessage.bufferByteCount {
      guard rest > 0, rest % ReceiveMessage.bufferByteCount == 0 else { return .malformed }
    }
    var cause: DropCause? = total == 0 ? .empty : format.begin(&packet, total) ? nil : .oversize
    var descriptor = slot.offset &+ ReceiveMessage.headerByteCount
    let end = slot.offset &+ slot.byteCount
    var position = 0
    while descriptor < end {
      let claimedIdentifier = memory.field64(descriptor &+ ReceiveMessage.identifier)
      let claimedOffset = memory.field64(descriptor &+ ReceiveMessage.bufferOffset)
      let claimedSize = Int(memory.field32(descriptor &+ ReceiveMessage.bufferSize))
      descriptor &+= ReceiveMessage.bufferByteCount
      guard claimedIdentifier < UInt64(isPosted.count), isPosted[Int(truncatingIfNeeded: claimedIdentifier)] else {
        tally[.badCompletion] += 1
        cause = cause ?? .malformed
        continue
      }
      // The id is one of ours, so the place of the buffer is known: the claim must agree.
      let buffer = Int(truncatingIfNeeded: claimedIdentifier)
      let offset = buffer &* bufferByteCount
      if claimedOffset != UInt64(truncatingIfNeeded: offset) || claimedSize > bufferByteCount {
        cause = cause ?? .malformed
      } else if cause == nil {
        let size = min(claimedSize, total &- position)
        data.copyOut(offset, count: size, to: &packet, at: position)
        position &+= size
      }
      if idleCount > 0 || !post(buffer) { putAside(buffer) }
    }
    // A server must send buffers for the whole total, or a client loses them.
    return cause ?? (position < total ? .malformed : format.parse(&packet, framing))
  }

  @inline(never) private mutating func putAside(_ buffer: Int) {
    isPosted[buffer] = false
    idle[idleCount] = UInt32(truncatingIfNeeded: buffer)
    idleCount &+= 1
  }

  /// Pushes one buffer, whole, without flushing. False if the pipe is full.
  @inline(__always) private mutating func post(_ buffer: Int) -> Bool {
    guard let slot = posts.push(PostedBufferMessage.byteCount) else { return false }
    let memory = posts.memory
    memory.setField64(UInt64(truncatingIfNeeded: buffer &* bufferByteCount), slot.offset &+ PostedBufferMessage.offset)
    memory.setField32(UInt32(truncatingIfNeeded: bufferByteCount), slot.offset &+ PostedBufferMessage.size)
    memory.setField32(0, slot.offset &+ PostedBufferMessage.remainingInGroup)
    memory.setField64(0, slot.offset &+ PostedBufferMessage.userData)
    memory.setField64(UInt64(truncatingIfNeeded: buffer), slot.offset &+ PostedBufferMessage.identifier)
    return true
  }
}
