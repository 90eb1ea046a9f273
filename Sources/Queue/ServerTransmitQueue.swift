package import LinkCore

/// The server's mirror of `ReceiveQueue`: it takes posted buffers out of the client's RX queue, fills them and sends them
/// back. Only a frame's own bytes leave: sizes are exact.
@usableFromInline package struct ServerTransmitQueue: SendingQueue, ~Copyable {
  @usableFromInline var posts: PipeReader<SharedRegion>
  @usableFromInline var packets: PipeWriter<SharedRegion>
  private let data: SharedRegion
  private let format: FrameFormat
  private var posted: PostedBuffers
  /// Bytes that the packet which did not fit needs.
  private var bytesWanted = 1
  package var tally = LinkTally()
  package let word: NotificationWord<SharedRegion>

  /// More buffers than the largest frame takes, cut into the smallest buffers of an honest client.
  private static let mostPosted = 2048

  /// So many are pulled at once, where there are as many: as with completions, looking at a pipe that the peer is
  /// writing to moves its cache line, and giving a place back moves it again.
  private static let store = 64

  package init(
    posts: SharedRegion, packets: SharedRegion, data: SharedRegion, shared: SharedRegion,
    format: FrameFormat = .plain
  ) {
    self.posts = PipeReader(posts)
    word = NotificationWord(shared)
    self.packets = PipeWriter(packets)
    self.data = data
    self.format = format
    posted = PostedBuffers(capacity: Self.mostPosted)
  }

  /// The peer broke one of the pipes.
  @inlinable package var isCorrupt: Bool { posts.isCorrupt || packets.isCorrupt }

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
    var nextFlush = TransmitQueue.publicationInterval
    while index < frames.count {
      if let cause = limits.refusal(of: frames[index]) {
        tally[cause] += 1
      } else {
        let count = frames[index].frameByteCount
        if let cause = put(frames[index], count &+ format.headerByteCount, format) {
          guard cause == .oversize else { break }
          tally[.oversize] += 1
        } else {
          sent &+= 1
          bytes &+= count
          if bytes >= nextFlush {
            packets.flush()
            nextFlush = bytes &+ TransmitQueue.publicationInterval
          }
        }
      }
      index &+= 1
    }
    posts.flush()
    if sent > 0 {
      packets.flush()
      prefetchBuffers(sent, bytes &+ sent &* format.headerByteCount)
      tally.packets &+= UInt64(truncatingIfNeeded: sent)
      tally.bytes &+= UInt64(truncatingIfNeeded: bytes)
      tally.batches &+= 1
    }
    return index
  }

  /// As `TransmitQueue.prefetchBuffers`, of those in store.
  @inline(__always) private func prefetchBuffers(_ count: Int, _ bytes: Int) {
    let most = min(count, posted.count, TransmitQueue.mostBuffersPrefetched)
    var index = 0
    while index < most {
      let buffer = posted[index]
      let byteCount = TransmitQueue.prefetchedByteCount(count, bytes, buffer.byteCount)
      data.prefetchForWriting(Int(truncatingIfNeeded: buffer.offset), byteCount)
      index &+= 1
    }
  }

  /// The same while the first buffer is filled with so many bytes, of the one behind it.
  @inline(never) private func prefetchNextBuffer(_ byteCount: Int) {
    guard posted.count > 1 else { return }
    let next = posted[1]
    data.prefetchForWriting(Int(truncatingIfNeeded: next.offset), min(byteCount, next.byteCount, mostPrefetched))
  }

  /// Whether the packet that did not fit last would fit now.
  package mutating func hasRoom() -> Bool {
    collect(atLeast: bytesWanted)
    posts.flush()
    guard posted.byteCount >= bytesWanted else { return posted.isFull }
    let wanted = ReceiveMessage.byteCount(buffers: posted.buffersNeeded(bytesWanted))
    // One that is too large is dropped when it is sent: it does not wait.
    if wanted > packets.maxFittingByteCount { return true }
    let fits = packets.push(wanted) != nil
    packets.abort()
    return fits
  }

  package var packetsUnderWay: Int? { nil }
  package var freeBuffers: Int { posted.count }
  /// Whether the client has taken every packet.
  package mutating func isDrained() -> Bool { packets.isDrained() }

  /// Pulls posted buffers until they hold `byteCount` bytes and some are in store, as far as there are any. Every number
  /// is a claim, read once; a buffer outside the data area, or without any room, is counted and forgotten.
  @inline(never) private mutating func collect(atLeast byteCount: Int) {
    var budget = 2 &* Self.mostPosted
    while posted.byteCount < byteCount || posted.count < Self.store, !posted.isFull, budget > 0,
      let slot = posts.pull()
    {
      budget &-= 1
      let memory = posts.memory
      guard slot.byteCount == PostedBufferMessage.byteCount else {
        tally[.badCompletion] += 1
        continue
      }
      let claimedOffset = memory.field64(slot.offset &+ PostedBufferMessage.offset)
      let claimedSize = memory.field32(slot.offset &+ PostedBufferMessage.size)
      guard claimedSize > 0, data.contains(claimedOffset, UInt64(claimedSize)) else {
        tally[.badCompletion] += 1
        continue
      }
      posted.append(
        PostedBuffers.Buffer(
          offset: claimedOffset, userData: memory.field64(slot.offset &+ PostedBufferMessage.userData),
          identifier: memory.field64(slot.offset &+ PostedBufferMessage.identifier), byteCount: Int(claimedSize)))
    }
  }

  /// Copies one frame, `byteCount` bytes with what precedes it, into posted buffers and pushes its message. Returns nil;
  /// `noRoom`, and nothing changed, if there is none now; `oversize` if the client's buffers are so small that there never
  /// will be.
  @inline(__always) private mutating func put(
    _ frame: borrowing PacketBuffer, _ byteCount: Int, _ format: FrameFormat
  ) -> DropCause? {
    if posted.byteCount < byteCount {
      collect(atLeast: byteCount)
      if posted.byteCount < byteCount {
        bytesWanted = byteCount
        return posted.isFull ? .oversize : .noRoom
      }
    }
    // Nearly every packet: its buffer is looked at once.
    let first = posted[0]
    guard byteCount <= first.byteCount, ReceiveMessage.byteCount(buffers: 1) <= packets.maxFittingByteCount else {
      return putInSeveral(frame, byteCount, format)
    }
    guard let slot = begin(byteCount, buffers: 1) else { return .noRoom }
    if byteCount > mostPrefetchedOfMany { prefetchNextBuffer(byteCount) }
    fill(slot.offset &+ ReceiveMessage.headerByteCount, first, frame, from: 0, count: byteCount, format)
    posted.removeFirst()
    return nil
  }

  /// The same of a frame that does not fit into the next buffer; all of them together are large enough.
  @inline(never) private mutating func putInSeveral(
    _ frame: borrowing PacketBuffer, _ byteCount: Int, _ format: FrameFormat
  ) -> DropCause? {
    let count = posted.buffersNeeded(byteCount)
    guard ReceiveMessage.byteCount(buffers: count) <= packets.maxFittingByteCount else { return .oversize }
    guard let slot = begin(byteCount, buffers: count) else { return .noRoom }
    var descriptor = slot.offset &+ ReceiveMessage.headerByteCount
    var position = 0
    for _ in 0..<count {
      let buffer = posted[0]
      let size = min(byteCount &- position, buffer.byteCount)
      prefetchNextBuffer(size)
      fill(descriptor, buffer, frame, from: position, count: size, format)
      posted.removeFirst()
      position &+= size
      descriptor &+= ReceiveMessage.bufferByteCount
    }
    return nil
  }

  /// Pushes the message of a packet, without its buffers. Nil if the pipe has no room.
  @inline(__always) private mutating func begin(_ byteCount: Int, buffers: Int) -> PipeSlot? {
    guard let slot = packets.push(ReceiveMessage.byteCount(buffers: buffers)) else {
      bytesWanted = byteCount
      return nil
    }
    let memory = packets.memory
    memory.setField32(UInt32(truncatingIfNeeded: byteCount), slot.offset &+ ReceiveMessage.totalByteCount)
    memory.setField32(0, slot.offset &+ ReceiveMessage.reserved)
    return slot
  }

  /// Copies a part of a frame into a posted buffer, and describes it in the message.
  @inline(__always) private func fill(
    _ descriptor: Int, _ buffer: PostedBuffers.Buffer, _ frame: borrowing PacketBuffer, from position: Int, count: Int,
    _ format: FrameFormat
  ) {
    format.copyIn(frame, from: position, count: count, to: Int(truncatingIfNeeded: buffer.offset), of: data)
    let memory = packets.memory
    memory.setField64(buffer.offset, descriptor &+ ReceiveMessage.bufferOffset)
    memory.setField32(UInt32(truncatingIfNeeded: count), descriptor &+ ReceiveMessage.bufferSize)
    memory.setField64(buffer.userData, descriptor &+ ReceiveMessage.userData)
    memory.setField64(buffer.identifier, descriptor &+ ReceiveMessage.identifier)
  }
}
