/// Goes ahead of a reader within one turn, and tells it of messages before it pulls them: what they point to, memory that the
/// peer's core wrote last, can be fetched meanwhile. One packet after the other waits for that core otherwise, since a
/// processor does not look far enough ahead to see the next packet but one.
///
/// It looks at published messages only, in order, as the reader will. What it sees is a hint, and the reader reads everything
/// again.
package struct PipeScout: Sendable {
  private var index: UInt64 = 0
  /// How many messages it has seen that the reader has not pulled.
  private var lead = 0
  /// It came to where the writer is, or to a wrap slot. It does not look there a second time: that takes the line from the
  /// writer.
  private var isOver = false

  package static let mostLead = 8

  package init() {}

  /// To be called behind each pull but the first one of a turn: who finds one packet only is close behind the writer as it is. Up to
  /// two messages a pull, so that the lead grows.
  @inline(__always)
  package mutating func goAhead<Memory: WordMemory>(
    of pipe: borrowing PipeReader<Memory>, _ see: (PipeSlot) -> Void
  ) {
    if isOver { return }
    if lead > 0 { lead &-= 1 } else { index = pipe.head }
    var steps = 2
    while steps > 0, lead < Self.mostLead {
      guard let slot = pipe.message(at: index) else {
        isOver = true
        return
      }
      see(slot)
      index &+= Pipe.slotSize(UInt64(truncatingIfNeeded: slot.byteCount))
      lead &+= 1
      steps &-= 1
    }
  }
}

extension SharedRegion {
  /// Says that the packet of a message will be read soon.
  @inline(__always) func prefetchPacket<Message: PacketMessage>(
    of message: Message.Type, _ slot: PipeSlot, in pipe: SharedRegion
  ) {
    guard slot.byteCount >= Message.byteCount(buffers: 1) else { return }
    prefetchForReading(
      pipe.field64(slot.offset &+ Message.headerByteCount &+ Message.bufferOffset),
      pipe.field32(slot.offset &+ Message.totalByteCount))
  }
}
