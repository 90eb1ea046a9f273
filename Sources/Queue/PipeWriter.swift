/// The writing end of a pipe. Pushed messages stay invisible until `flush`.
@usableFromInline package struct PipeWriter<Memory: WordMemory>: ~Copyable, Sendable {
  package let memory: Memory
  private let length: UInt64
  /// How far it may write: the reader has given back everything before.
  private var head: UInt64
  /// The first message that is not flushed yet.
  private var tail: UInt64
  /// Behind the last message pushed.
  private var next: UInt64
  /// Behind the last message that was flushed: `tail`, but for a wrap slot that was published alone.
  private var messagesEnd: UInt64
  /// The header of the message at `tail`, kept back until everything behind it is in place.
  private var tailHeader: UInt64 = 0
  /// The reader freed something that cannot be: nothing is taken back any more, and what room there is runs out.
  @usableFromInline package private(set) var isCorrupt = false

  /// `memory` is `Pipe.minByteCount` to `Pipe.maxByteCount` bytes.
  package init(_ memory: Memory) {
    precondition(memory.byteCount >= Pipe.minByteCount && memory.byteCount <= Pipe.maxByteCount)
    self.memory = memory
    length = UInt64(Pipe.length(memory.byteCount))
    tail = Pipe.start
    next = tail
    messagesEnd = tail
    head = tail &+ Pipe.revolution
  }

  /// The largest payload of one message.
  package var maxByteCount: Int { Int(length) - 16 }

  /// The largest payload that fits whenever the reader has given everything back. A larger one, beyond half of the ring,
  /// may need the reader to give a wrap slot back first, and nobody rings a sleeping reader for that.
  package var maxFittingByteCount: Int { Pipe.maxFittingByteCount(Int(length)) }

  /// Room for a message of `byteCount` bytes, 1 to `maxByteCount`, to be filled before `flush`. Nil, and nothing pushed,
  /// when there is none; a wrap slot may have gone ahead.
  @inline(__always) package mutating func push(_ byteCount: Int) -> PipeSlot? {
    let size = Pipe.slotSize(UInt64(truncatingIfNeeded: byteCount))
    if (next & Pipe.offsetMask) &+ size >= length, !pushWrap(byteCount) { return nil }
    let newNext = next &+ size
    if Pipe.isPast(newNext, head), !reclaim(newNext) { return nil }
    if next == tail {
      tailHeader = UInt64(truncatingIfNeeded: byteCount)
    } else {
      memory.store(UInt64(truncatingIfNeeded: byteCount), Pipe.offset(next))
    }
    let slot = PipeSlot(offset: Pipe.offset(next) &+ Pipe.headerByteCount, byteCount: byteCount)
    next = newNext
    return slot
  }

  /// Publishes everything pushed since the last flush, at once.
  @inline(__always) package mutating func flush() {
    if next == tail { return }
    let flushed = Int(truncatingIfNeeded: next &- tail)
    publish()
    messagesEnd = tail
    // What as many messages again will be written to, behind the line that has just been. The reader had it last: a store
    // waits until its core has given the line up, and the fence of each write waits for the stores.
    // Of a small ring no more than a part that the reader has hardly before it.
    memory.prefetchForWriting(
      Pipe.offset(next) &+ cacheLineByteCount, min(flushed, mostPrefetched, Int(truncatingIfNeeded: length >> 3)))
  }

  @inline(__always) private mutating func publish() {
    // The slot behind the last message reads free, or the reader would run into stale bytes. At `head` it is not ours.
    if next != head { memory.store(Pipe.free, Pipe.offset(next)) }
    // SYNC pipe-publish: releases the messages and the free slot to `PipeReader.pull`.
    memory.storeReleasing(tailHeader, Pipe.offset(tail))
    tail = next
  }

  /// Forgets everything pushed since the last flush.
  package mutating func abort() { next = tail }

  /// Whether the reader has given back every message that was flushed. It may not have seen a wrap slot behind them, for
  /// which nobody rings.
  package mutating func isDrained() -> Bool { reclaim(messagesEnd &+ Pipe.revolution) }

  /// Fills the end of the ring with a wrap slot, so that the next message begins at offset 0. False if there is no room,
  /// or the message would not fit into any ring of this length.
  @inline(never) private mutating func pushWrap(_ byteCount: Int) -> Bool {
    guard byteCount <= maxByteCount else { return false }
    let newNext = (next & ~Pipe.offsetMask) &+ Pipe.revolution
    guard reclaim(newNext) else { return false }
    let header = newNext &- next &- UInt64(Pipe.headerByteCount)
    if next == tail {
      // Alone it can be read at once, and then freed: without that, a message that needs the space in front of it
      // could never be pushed.
      tailHeader = header
      next = newNext
      publish()
    } else {
      memory.store(header, Pipe.offset(next))
      next = newNext
    }
    return true
  }

  /// Moves `head` over slots that the reader freed, until it reaches `newNext`. False if it does not get there.
  @inline(__always) private mutating func reclaim(_ newNext: UInt64) -> Bool {
    if isCorrupt { return false }
    while Pipe.isPast(newNext, head) {
      // The whole ring is the writer's. The slot there is its own first pending message, whose header is still kept back.
      if head == tail &+ Pipe.revolution { return false }
      // SYNC pipe-free: acquires, see `PipeReader.flush`: the reader is done with these bytes.
      let header = memory.loadAcquiring(Pipe.offset(head))
      if header & Pipe.free == 0 { return false }
      // The size is the peer's word: it may neither pass what was written nor leave the ring.
      let claimedHead = head &+ Pipe.slotSize(header & Pipe.offsetMask)
      if header & Pipe.unused != 0 || Pipe.isPast(claimedHead, tail &+ Pipe.revolution)
        || claimedHead & Pipe.offsetMask >= length
      {
        isCorrupt = true
        return false
      }
      head = claimedHead
    }
    return true
  }
}
