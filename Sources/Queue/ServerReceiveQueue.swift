package import LinkCore

/// The server's mirror of `TransmitQueue`: packets out of the client's tx pipe, completions into its rx pipe. Bytes are
/// copied out before anyone looks at them.
@usableFromInline package struct ServerReceiveQueue: ReceivingQueue, ~Copyable {
  @usableFromInline var packets: PipeReader<SharedRegion>
  @usableFromInline var completions: PipeWriter<SharedRegion>
  private let data: SharedRegion
  private let format: FrameFormat
  /// A completion that did not fit into its pipe. Nothing more is received until it does.
  @usableFromInline var owed: UInt64?
  package var tally = LinkTally()

  package init(
    packets: SharedRegion, completions: SharedRegion, data: SharedRegion, format: FrameFormat = .plain
  ) {
    self.packets = PipeReader(packets)
    self.completions = PipeWriter(completions)
    self.data = data
    self.format = format
  }

  /// The peer broke one of the pipes.
  @inlinable package var isCorrupt: Bool { packets.isCorrupt || completions.isCorrupt }
  /// Nothing to receive right now. While a completion is owed that is so whatever the packets' pipe holds: whoever took
  /// it for work would turn round and round for as long as the client likes.
  @inlinable package var isEmpty: Bool { owed != nil || packets.isEmpty }
  package var postedBuffers: Int? { nil }
  /// Packets may be there, but the client does not collect its completions; it announces nothing when it does.
  package var isBlocked: Bool { owed != nil }

  package func messageCount(atMost most: Int) -> Int { packets.messageCount(atMost: most) }

  /// Receives up to a batch. Returns the packets received; 0 with an empty batch: nothing was there, everything was
  /// malformed, or it is blocked.
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
    if let identifier = owed {
      guard complete(identifier) else { return 0 }
      owed = nil
      completions.flush()
    }
    var received = 0
    var bytes = 0
    // Malformed packets fill no place in the batch: they are bounded by themselves.
    var budget = 2 &* available
    var scout = PipeScout()
    while received < available, budget > 0, bytes < mostBytesPerTurn, let slot = packets.pull() {
      budget &-= 1
      if received > 0 {
        scout.goAhead(of: packets) { data.prefetchPacket(of: TransmitMessage.self, $0, in: packets.memory) }
      }
      guard slot.byteCount >= TransmitMessage.headerByteCount else {
        // Too short even for an id: there is nothing to complete.
        tally[.malformed] += 1
        continue
      }
      let identifier = packets.memory.field64(slot.offset &+ TransmitMessage.identifier)
      let total = Int(packets.memory.field32(slot.offset &+ TransmitMessage.totalByteCount))
      if let cause = batch.fill(received, { fetch(slot, claimedTotal: total, into: &$0, framing, format) }) {
        tally[cause] += 1
      } else {
        received &+= 1
        bytes &+= total &- format.headerByteCount
      }
      // Right after the copy: the client's buffer is free again, whatever became of the packet.
      if !complete(identifier) {
        owed = identifier
        break
      }
    }
    packets.flush()
    completions.flush()
    batch.setReceived(received)
    if received > 0 {
      tally.packets &+= UInt64(truncatingIfNeeded: received)
      tally.bytes &+= UInt64(truncatingIfNeeded: bytes)
      tally.batches &+= 1
    }
    return received
  }

  @inline(__always) private mutating func complete(_ identifier: UInt64) -> Bool {
    guard let slot = completions.push(CompletionMessage.byteCount) else { return false }
    completions.memory.setField64(identifier, slot.offset &+ CompletionMessage.identifier)
    return true
  }

  /// Copies one packet out. Every number is a claim of the peer, read once and checked against our own geometry. Returns
  /// why the packet is dropped; nil: it is whole.
  @inline(__always) private func fetch(
    _ slot: PipeSlot, claimedTotal total: Int, into packet: inout PacketBuffer, _ framing: LinkFraming,
    _ format: FrameFormat
  ) -> DropCause? {
    if total == 0 { return .empty }
    guard format.begin(&packet, total) else { return .oversize }
    let memory = packets.memory
    var descriptor = slot.offset &+ TransmitMessage.headerByteCount
    var room = slot.byteCount &- TransmitMessage.headerByteCount
    var position = 0
    while position < total {
      guard room >= TransmitMessage.bufferByteCount else { return .malformed }
      let claimedOffset = memory.field64(descriptor &+ TransmitMessage.bufferOffset)
      // A client writes the whole buffer's size here; the total governs.
      let claimedSize = Int(memory.field32(descriptor &+ TransmitMessage.bufferSize))
      let size = min(claimedSize, total &- position)
      guard data.contains(claimedOffset, UInt64(truncatingIfNeeded: size)) else { return .malformed }
      data.copyOut(Int(truncatingIfNeeded: claimedOffset), count: size, to: &packet, at: position)
      position &+= size
      descriptor &+= TransmitMessage.bufferByteCount
      room &-= TransmitMessage.bufferByteCount
    }
    return format.parse(&packet, framing)
  }
}
