/// The reading end of a pipe. Slots that were pulled stay the reader's until `flush` gives them back.
@usableFromInline package struct PipeReader<Memory: WordMemory>: ~Copyable, Sendable {
  @usableFromInline package let memory: Memory
  private let length: UInt64
  /// The next slot to pull.
  @usableFromInline var head: UInt64
  /// The first slot that was not given back yet.
  @usableFromInline var tail: UInt64
  /// The writer published something that no honest writer can: nothing is pulled any more.
  @usableFromInline package private(set) var isCorrupt = false

  /// `memory` is `Pipe.minByteCount` to `Pipe.maxByteCount` bytes.
  package init(_ memory: Memory) {
    precondition(memory.byteCount >= Pipe.minByteCount && memory.byteCount <= Pipe.maxByteCount)
    self.memory = memory
    length = UInt64(Pipe.length(memory.byteCount))
    tail = Pipe.start
    head = tail
  }

  /// The next message; nil when there is none, or the pipe is corrupt. One wrap slot at most is skipped on the way: there
  /// is no work without end in one call, whatever the peer writes.
  @inline(__always) package mutating func pull() -> PipeSlot? {
    guard var header = nextHeader() else { return nil }
    if (head & Pipe.offsetMask) &+ Pipe.slotSize(header) >= length {
      // A slot that would pass the end is a wrap slot.
      guard skipWrap(header), let first = nextHeader() else { return nil }
      header = first
    }
    // From here on the number is in a register: what the peer writes meanwhile does not matter. An empty message, a size
    // beyond any ring, or one that reaches over slots that were not given back: no writer does that.
    let newHead = head &+ Pipe.slotSize(header)
    if header == 0 || header > length &- 16 || (head & Pipe.offsetMask) &+ Pipe.slotSize(header) >= length
      || Pipe.isPast(newHead, tail &+ Pipe.revolution)
    {
      isCorrupt = true
      return nil
    }
    let slot = PipeSlot(
      offset: Pipe.offset(head) &+ Pipe.headerByteCount, byteCount: Int(truncatingIfNeeded: header))
    head = newHead
    return slot
  }

  /// The message at `index`, at or behind `head`, if there is one that `pull` would return without a wrap slot before it.
  @inline(__always) func message(at index: UInt64) -> PipeSlot? {
    if index == tail &+ Pipe.revolution { return nil }
    // SYNC pipe-publish: acquires, see `PipeWriter.flush`.
    let header = memory.loadAcquiring(Pipe.offset(index))
    guard header != 0, header <= length, (index & Pipe.offsetMask) &+ Pipe.slotSize(header) < length,
      !Pipe.isPast(index &+ Pipe.slotSize(header), tail &+ Pipe.revolution)
    else { return nil }
    return PipeSlot(
      offset: Pipe.offset(index) &+ Pipe.headerByteCount, byteCount: Int(truncatingIfNeeded: header))
  }

  /// How many messages are there, without those behind a wrap slot.
  package func messageCount(atMost most: Int) -> Int {
    var index = head
    var count = 0
    while count < most, let slot = message(at: index) {
      index &+= Pipe.slotSize(UInt64(truncatingIfNeeded: slot.byteCount))
      count += 1
    }
    return count
  }

  /// Gives everything pulled back to the writer.
  @inline(__always) package mutating func flush() {
    if head == tail { return }
    // SYNC pipe-free: releases, so that the writer overwrites these bytes only after they were read.
    memory.storeReleasing(Pipe.free | (head &- tail &- UInt64(Pipe.headerByteCount)), Pipe.offset(tail))
    tail = head
  }

  /// Whether there is nothing to pull right now.
  @inlinable package var isEmpty: Bool {
    isCorrupt || head == tail &+ Pipe.revolution || memory.loadAcquiring(Pipe.offset(head)) & Pipe.free != 0
  }

  /// The header of the slot at `head`, read once; nil when the slot is free, or everything is pulled.
  @inline(__always) private mutating func nextHeader() -> UInt64? {
    if isCorrupt || head == tail &+ Pipe.revolution { return nil }
    // SYNC pipe-publish: acquires, see `PipeWriter.flush`.
    let header = memory.loadAcquiring(Pipe.offset(head))
    if header & Pipe.free == 0 { return header }
    // A free slot with more in it than a size would stall the link for ever, and nobody would know why.
    if header & Pipe.unused != 0 { isCorrupt = true }
    return nil
  }

  /// Goes over a wrap slot to offset 0 of the next revolution. False, and corrupt, if it is not exactly the one that a
  /// writer at this place leaves: there is none at offset 0, or a chain of them would have no end.
  @inline(never) private mutating func skipWrap(_ header: UInt64) -> Bool {
    let offset = head & Pipe.offsetMask
    let newHead = (head &- offset) &+ Pipe.revolution
    guard offset != 0, header == Pipe.revolution &- offset &- UInt64(Pipe.headerByteCount),
      !Pipe.isPast(newHead, tail &+ Pipe.revolution)
    else {
      isCorrupt = true
      return false
    }
    let isFirst = head == tail
    head = newHead
    // Alone it is given back at once: the writer may be waiting for just this space.
    if isFirst { flush() }
    return true
  }
}
