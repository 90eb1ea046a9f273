/// Two words in a queue's shared data by which a sender of packets that ran out of room asks to be told of some, and their
/// receiver tells it. Each has one writer, and a cache line of its own. Other implementations leave them zero, and never
/// look at them.
@usableFromInline enum RoomWord {
  /// The number of the sender's wish, even; 0: it wants nothing.
  @inlinable static var wish: Int { 64 }
  /// The wish that was answered last, plus 1; 1 before the first. 0: this receiver announces nothing.
  @inlinable static var answer: Int { 128 }
  static var byteCount: Int { 132 }
}

/// The sender's wish for room.
package struct RoomWish<Memory: WordMemory>: Sendable {
  private let memory: Memory
  private var number: UInt32 = 0

  package init(_ memory: Memory) {
    precondition(memory.byteCount >= RoomWord.byteCount)
    self.memory = memory
  }

  /// Asks anew. The sender looks for room once more after this, and only then relies on an answer.
  package mutating func make() {
    number = number &+ 2 == 0 ? 2 : number &+ 2
    memory.storeFlag(number, RoomWord.wish)
    // SYNC room: store, fence, look for room; the receiver does give back, fence, look at the wish (`RoomAnswer`). With
    // both fences one of the two sees the other; otherwise both can miss, and the sender waits on.
    memory.fence()
  }

  /// There was room after all.
  package func withdraw() { memory.storeFlag(0, RoomWord.wish) }

  /// Whether the peer says that it announces room. If it lies, it is as if it had stopped.
  package var isHeard: Bool { memory.loadFlag(RoomWord.answer) != 0 }
}

/// The receiver's answer.
@usableFromInline package struct RoomAnswer<Memory: WordMemory>: Sendable {
  @usableFromInline let memory: Memory
  @usableFromInline var answered: UInt32 = 0
  /// The wish that was seen last, and how often it was passed over.
  private var seen: UInt32 = 0
  private var looks = 0

  /// A wish is answered at this look while there are packets: a sender that sleeps finds more room when it wakes.
  private static var looksBeforeAnswer: Int { 4 }

  /// Says that this receiver announces room.
  package init(_ memory: Memory) {
    precondition(memory.byteCount >= RoomWord.byteCount)
    self.memory = memory
    memory.storeFlag(1, RoomWord.answer)
  }

  /// Whether to announce room. `isIdle`: the receiver found nothing to take; otherwise it gave back what it took, and goes
  /// on.
  @inlinable @inline(__always) package mutating func isDue(isIdle: Bool = false) -> Bool {
    let wish = memory.loadFlag(RoomWord.wish)
    return wish != answered && isDue(wish, isIdle)
  }

  @usableFromInline @inline(never) mutating func isDue(_ wish: UInt32, _ isIdle: Bool) -> Bool {
    if wish == 0 { answered = 0 }
    if wish != seen { looks = 0 }
    seen = wish
    looks += 1
    return wish != answered && (isIdle || looks >= Self.looksBeforeAnswer)
  }

  /// The same for a receiver that will not look again for a long time: any wish is due, and none is missed.
  package mutating func isDueAtLast() -> Bool {
    // SYNC room: see `RoomWish.make`.
    memory.fence()
    seen = memory.loadFlag(RoomWord.wish)
    return seen != 0 && seen != answered
  }

  /// Answers the wish. The sender's driver has to be woken after this.
  package mutating func give() {
    answered = seen
    memory.storeFlag(answered | 1, RoomWord.answer)
  }
}

/// The answers, as whoever drives the sender's link looks at them.
@usableFromInline package struct RoomNews<Memory: WordMemory>: Sendable {
  @usableFromInline let memory: Memory
  @usableFromInline var seen: UInt32 = 0

  package init(_ memory: Memory) {
    precondition(memory.byteCount >= RoomWord.byteCount)
    self.memory = memory
  }

  /// As `RoomWish.isHeard`.
  package var isPromised: Bool { memory.loadFlag(RoomWord.answer) != 0 }

  /// Whether the peer announced room since the last call. A claim: the one who drives looks for it.
  @inlinable @inline(__always) package mutating func came() -> Bool {
    let answer = memory.loadFlag(RoomWord.answer)
    defer { seen = answer }
    return answer > 1 && answer != seen
  }
}
