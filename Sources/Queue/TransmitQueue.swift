package import LinkCore

/// The client's sending half: packets into the TX queue's tx pipe, completions back through its rx pipe. It owns the data
/// area. Never blocks, never makes a system call.
@usableFromInline package struct TransmitQueue: SendingQueue, ~Copyable {
  @usableFromInline var packets: PipeWriter<SharedRegion>
  @usableFromInline var completions: PipeReader<SharedRegion>
  private let data: SharedRegion
  private let format: FrameFormat
  private var arena: BufferArena
  private var inFlight = 0
  /// Completions that are not collected must fit into their pipe: a peer may not survive a full one.
  private let mostInFlight: Int
  /// Of a frame with what precedes it. A longer one would wait for ever: for more buffers than there are, or for a message
  /// that the pipe may never take.
  private let mostBytes: Int
  private var sentSinceCollection = 0
  /// Buffers that the packet which did not fit needs.
  private var buffersWanted = 1
  package var tally = LinkTally()
  package let word: NotificationWord<SharedRegion>

  /// Completions are collected after this many packets, and whenever room runs out: looking at a pipe that the peer is
  /// writing to moves its cache line, which costs as much as a packet.
  private static let collectionInterval = 64

  /// What was copied is published at least this often, in bytes: the peer works on large packets while the rest of the
  /// batch is copied. It still is one bell a batch.
  static let publicationInterval = 65536

  /// The buffers that a data area can be cut into, in bytes.
  package static let bufferByteCounts = 64...65536

  package init(
    packets: SharedRegion, completions: SharedRegion, data: SharedRegion, shared: SharedRegion, bufferByteCount: Int,
    format: FrameFormat = .plain
  ) {
    precondition(Self.bufferByteCounts.contains(bufferByteCount))
    self.packets = PipeWriter(packets)
    self.completions = PipeReader(completions)
    self.data = data
    self.format = format
    word = NotificationWord(shared)
    arena = BufferArena(dataByteCount: data.byteCount, bufferByteCount: bufferByteCount)
    mostInFlight = Pipe.capacity(
      pipeByteCount: completions.byteCount, messageByteCount: CompletionMessage.byteCount)
    mostBytes = TransmitMessage.mostFrameByteCount(
      dataByteCount: data.byteCount, pipeByteCount: packets.byteCount, cutInto: bufferByteCount)
  }

  /// The peer broke one of the pipes.
  @inlinable package var isCorrupt: Bool { packets.isCorrupt || completions.isCorrupt }
  package var packetsUnderWay: Int? { inFlight }
  package var freeBuffers: Int { arena.freeCount }
  package mutating func isDrained() -> Bool {
    collectCompletions()
    return inFlight == 0
  }

  /// Sends a prefix, all of it visible to the peer at once, and returns its length. Packets that can never be sent are
  /// counted and taken.
  package mutating func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int {
    format == .plain ? send(frames, limits, as: .plain) : sendWithHeaders(frames, limits)
  }

  @inline(never)
  private mutating func sendWithHeaders(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int {
    send(frames, limits, as: .virtioNet)
  }

  /// To be called with a constant format.
  @inline(__always)
  private mutating func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits, as format: FrameFormat) -> Int {
    var index = 0
    var sent = 0
    var bytes = 0
    var nextFlush = Self.publicationInterval
    while index < frames.count {
      let count = frames[index].frameByteCount &+ format.headerByteCount
      if let cause = limits.refusal(of: frames[index]) ?? (count > mostBytes ? .oversize : nil) {
        tally[cause] += 1
      } else {
        if !put(frames[index], count, format) {
          collectCompletions()
          if !put(frames[index], count, format) { break }
        }
        sent &+= 1
        bytes &+= count &- format.headerByteCount
        if bytes >= nextFlush {
          packets.flush()
          nextFlush = bytes &+ Self.publicationInterval
        }
      }
      index &+= 1
    }
    if sent > 0 {
      packets.flush()
      sentSinceCollection &+= sent
      // What comes home is used first, so before the next buffers are fetched.
      if sentSinceCollection >= Self.collectionInterval { collectCompletions() }
      prefetchBuffers(sent, bytes &+ sent &* format.headerByteCount)
      tally.packets &+= UInt64(truncatingIfNeeded: sent)
      tally.bytes &+= UInt64(truncatingIfNeeded: bytes)
      tally.batches &+= 1
    }
    return index
  }

  /// Fetches the buffers that the next packets will be written to, if they are like these: for the reason in
  /// `PipeWriter.flush`.
  @inline(__always) private func prefetchBuffers(_ count: Int, _ bytes: Int) {
    let byteCount = Self.prefetchedByteCount(count, bytes, arena.bufferByteCount)
    var buffer = arena.nextFree
    var left = min(count, arena.freeCount, Self.mostBuffersPrefetched)
    while left > 0 {
      data.prefetchForWriting(arena.offset(of: buffer), byteCount)
      buffer = arena.follower(of: buffer)
      left &-= 1
    }
  }

  /// The same while a buffer is filled with so many bytes, of the one that comes next.
  @inline(never) private func prefetchBuffer(behind buffer: Int, _ byteCount: Int) {
    let next = arena.follower(of: buffer)
    if next < arena.count { data.prefetchForWriting(arena.offset(of: next), min(byteCount, mostPrefetched)) }
  }

  /// How much of each buffer is fetched behind a write of so many packets, with so many bytes: of one alone all; of many the
  /// beginnings, since the rest is fetched while the buffer before is filled.
  @inline(__always) package static func prefetchedByteCount(_ count: Int, _ bytes: Int, _ bufferByteCount: Int) -> Int {
    count == 1
      ? min(bytes, bufferByteCount, mostPrefetched) : min(bytes / count, bufferByteCount, mostPrefetchedOfMany)
  }

  static let mostBuffersPrefetched = 64

  /// Takes back the buffers of completed packets. A completion of nothing is counted; it changes nothing else.
  package mutating func collectCompletions() {
    sentSinceCollection = 0
    // No honest peer completes more than is under way; more is left for the next time.
    var budget = arena.count &+ 1
    while budget > 0, let slot = completions.pull() {
      budget &-= 1
      if slot.byteCount == CompletionMessage.byteCount,
        arena.release(completions.memory.field64(slot.offset &+ CompletionMessage.identifier))
      {
        inFlight &-= 1
      } else {
        tally[.badCompletion] += 1
      }
    }
    completions.flush()
  }

  /// Whether the packet that did not fit last would fit now.
  package mutating func hasRoom() -> Bool {
    collectCompletions()
    guard arena.freeCount >= buffersWanted, inFlight < mostInFlight else { return false }
    let fits = packets.push(TransmitMessage.byteCount(buffers: buffersWanted)) != nil
    packets.abort()
    return fits
  }

  /// Copies one frame, `byteCount` bytes with what precedes it, into free buffers and pushes its message. False, and
  /// nothing changed, if there is no room.
  @inline(__always) private mutating func put(
    _ frame: borrowing PacketBuffer, _ byteCount: Int, _ format: FrameFormat
  ) -> Bool {
    // Nearly every packet takes one buffer.
    guard byteCount <= arena.bufferByteCount else { return putInSeveral(frame, byteCount, format) }
    guard let slot = begin(byteCount, buffers: 1) else { return false }
    let buffer = arena.nextFree
    if byteCount > mostPrefetchedOfMany { prefetchBuffer(behind: buffer, byteCount) }
    fill(slot.offset &+ TransmitMessage.headerByteCount, buffer, frame, from: 0, count: byteCount, format)
    arena.allocate(count: 1, last: buffer)
    inFlight &+= 1
    return true
  }

  /// The same of a frame that is larger than a buffer.
  @inline(never) private mutating func putInSeveral(
    _ frame: borrowing PacketBuffer, _ byteCount: Int, _ format: FrameFormat
  ) -> Bool {
    let count = arena.buffersNeeded(byteCount)
    guard let slot = begin(byteCount, buffers: count) else { return false }
    var descriptor = slot.offset &+ TransmitMessage.headerByteCount
    var buffer = arena.nextFree
    var position = 0
    while true {
      let size = min(byteCount &- position, arena.bufferByteCount)
      prefetchBuffer(behind: buffer, size)
      fill(descriptor, buffer, frame, from: position, count: size, format)
      position &+= size
      if position == byteCount { break }
      descriptor &+= TransmitMessage.bufferByteCount
      buffer = arena.follower(of: buffer)
    }
    arena.allocate(count: count, last: buffer)
    inFlight &+= 1
    return true
  }

  /// Pushes the message of a packet, without its buffers. Nil if there is no room for it, or are no buffers.
  @inline(__always) private mutating func begin(_ byteCount: Int, buffers: Int) -> PipeSlot? {
    guard arena.freeCount >= buffers, inFlight < mostInFlight,
      let slot = packets.push(TransmitMessage.byteCount(buffers: buffers))
    else {
      buffersWanted = buffers
      return nil
    }
    let memory = packets.memory
    memory.setField64(UInt64(truncatingIfNeeded: arena.nextFree), slot.offset &+ TransmitMessage.identifier)
    memory.setField32(UInt32(truncatingIfNeeded: byteCount), slot.offset &+ TransmitMessage.totalByteCount)
    memory.setField32(0, slot.offset &+ TransmitMessage.reserved)
    return slot
  }

  /// Copies a part of a frame into a buffer, and describes it in the message.
  @inline(__always) private func fill(
    _ descriptor: Int, _ buffer: Int, _ frame: borrowing PacketBuffer, from position: Int, count: Int,
    _ format: FrameFormat
  ) {
    let offset = arena.offset(of: buffer)
    format.copyIn(frame, from: position, count: count, to: offset, of: data)
    packets.memory.setField64(UInt64(truncatingIfNeeded: offset), descriptor &+ TransmitMessage.bufferOffset)
    packets.memory.setField32(UInt32(truncatingIfNeeded: count), descriptor &+ TransmitMessage.bufferSize)
  }
}
