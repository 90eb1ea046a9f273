/// A reusable row of up to 64 packets. A link lends one to its dispatcher; a sender owns one.
///
/// Positions stay as they are while packets are taken; `compact()` closes the gaps. What is left in a lent batch is
/// reused by the link.
@safe @frozen public struct PacketBatch: ~Copyable, @unchecked Sendable {
  @usableFromInline let slots: UnsafeMutablePointer<PacketBuffer>
  /// The most packets it can hold.
  public let capacity: Int
  /// Slots `0 ..< filled` own a chunk, less those in `taken`; of these the first `live` are packets, the rest spare.
  @usableFromInline var filled: Int
  @usableFromInline var live: Int
  @usableFromInline var taken: UInt64
  /// Where its chunks come from.
  public let pool: PacketPool

  /// `capacity`: 1 to 64.
  public init(capacity: Int, pool: PacketPool) {
    precondition(capacity >= 1 && capacity <= 64, "a batch holds 1 to 64 packets")
    self.capacity = capacity
    self.pool = pool
    // SAFETY: `filled` slots are initialised, by `fill`; deinit gives back exactly those.
    unsafe slots = .allocate(capacity: capacity)
    live = 0
    taken = 0
    unsafe filled = pool.fill(slots, capacity)
  }

  deinit {
    // SAFETY: every slot below `filled` that is not taken is initialised.
    for index in 0..<filled where taken & (1 << index) == 0 { unsafe (slots + index).deinitialize(count: 1) }
    unsafe slots.deallocate()
  }

  /// The positions in use: packets there are, and those that were taken since.
  @inlinable public var count: Int { @inline(__always) get { live } }
  @inlinable public var isEmpty: Bool { live == 0 }
  /// How many more `append` can add, as far as the pool has chunks.
  public var freeCapacity: Int { capacity - live }

  /// Whether there is a packet at `index`: it was not taken.
  @inlinable @inline(__always) public func holds(_ index: Int) -> Bool {
    index >= 0 && index < live && taken & (1 << index) == 0
  }

  // MARK: Packets

  /// Lends the network layer of the packet at `index`. Traps where there is none.
  @inlinable @inline(__always)
  public func withBytes<R: ~Copyable, E>(of index: Int, _ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    precondition(holds(index), "no packet there")
    // SAFETY: a held slot is initialised.
    return try unsafe slots[index].withBytes(body)
  }

  /// Lends the packet at `index`, for reading. Traps where there is none.
  @inlinable @inline(__always)
  public func withPacket<R: ~Copyable, E>(_ index: Int, _ body: (borrowing PacketBuffer) throws(E) -> R) throws(E) -> R
  {
    precondition(holds(index), "no packet there")
    // SAFETY: a held slot is initialised.
    return try unsafe body(slots[index])
  }

  /// Lends the packet at `index`, for changing. Traps where there is none.
  @inlinable @inline(__always)
  public mutating func modify<R: ~Copyable, E>(_ index: Int, _ body: (inout PacketBuffer) throws(E) -> R) throws(E) -> R
  {
    precondition(holds(index), "no packet there")
    // SAFETY: a held slot is initialised; `mutating` makes the access exclusive.
    return try unsafe body(&slots[index])
  }

  /// Visits the network layer of each packet in order.
  @inlinable @inline(__always)
  public func forEach<E>(_ body: (Span<UInt8>) throws(E) -> Void) throws(E) {
    var index = 0
    while index < live {
      // SAFETY: below `live` and not taken: initialised.
      if taken & (1 << index) == 0 { try unsafe slots[index].withBytes(body) }
      index &+= 1
    }
  }

  /// Moves the packet at `index` out: it is the caller's now. Traps where there is none.
  @inlinable @inline(__always)
  public mutating func take(_ index: Int) -> PacketBuffer {
    precondition(holds(index), "no packet there")
    taken |= 1 << index
    // SAFETY: the slot was initialised, and is marked as empty now.
    return unsafe (slots + index).move()
  }

  /// Lends the packets as a span. Traps while there are gaps: `compact()` first.
  @inlinable @inline(__always)
  public func withPackets<R: ~Copyable, E>(_ body: (Span<PacketBuffer>) throws(E) -> R) throws(E) -> R {
    precondition(taken == 0, "packets were taken: compact() first")
    // SAFETY: with nothing taken the first `live` slots are initialised, and stay so while self is borrowed.
    return try body(unsafe Span(_unsafeStart: slots, count: live))
  }

  /// Adds a packet that `body` writes. Returns false, and does not call it, when the batch is full or its pool empty.
  @inlinable @inline(__always) @discardableResult
  public mutating func append(
    headroom: Int = PacketBuffer.defaultHeadroom, _ body: (inout PacketBuffer) -> Void
  ) -> Bool {
    if live == filled, !grow() { return false }
    // SAFETY: slot `live` is a spare: initialised, and nothing taken lies at or above it.
    unsafe slots[live].reset(headroom: headroom)
    unsafe body(&slots[live])
    live &+= 1
    return true
  }

  /// Closes the gaps that `take` left. Positions behind them move forward.
  public mutating func compact() {
    if taken == 0 { return }
    var to = 0
    var packets = 0
    for from in 0..<filled where taken & (1 << from) == 0 {
      // SAFETY: `from` is initialised; `to` is a gap that was taken, or moved from, before it.
      if to != from { unsafe (slots + to).moveInitialize(from: slots + from, count: 1) }
      to += 1
      if from < live { packets += 1 }
    }
    taken = 0
    filled = to
    live = packets
  }

  /// Makes all packets spare: the batch is empty, its chunks stay with it.
  @inlinable @inline(__always) public mutating func removeAll() {
    if taken != 0 { compact() }
    live = 0
  }

  /// Gets chunks for the empty end. False if there is none to get.
  @usableFromInline @inline(never) mutating func grow() -> Bool {
    compact()
    // SAFETY: slots from `filled` up are uninitialised, `capacity` bounds them.
    unsafe filled += pool.fill(slots + filled, capacity - filled)
    return live < filled
  }

  // MARK: For the links

  /// Empties the batch and refills it from the pool. Returns how many packets it can receive now; 0: the pool is empty.
  @inlinable @inline(__always) package mutating func prepareToReceive() -> Int {
    removeAll()
    if filled < capacity { _ = grow() }
    return filled
  }

  /// The slots; after `prepareToReceive`, as many as it returned are initialised.
  @unsafe @inlinable package var packetSlots: UnsafeMutablePointer<PacketBuffer> {
    // SAFETY: valid while self is; the caller stays below the count that it was given.
    @inline(__always) get { unsafe slots }
  }

  /// Lends the spare at `index`, below what `prepareToReceive` returned, to be filled.
  @inlinable @inline(__always) package mutating func fill<R>(_ index: Int, _ body: (inout PacketBuffer) -> R) -> R {
    assert(index >= 0 && index < filled && taken == 0)
    // SAFETY: slots below `filled` are initialised while nothing is taken.
    return unsafe body(&slots[index])
  }

  /// Exchanges two spares, both below what `prepareToReceive` returned.
  @inlinable @inline(__always) package mutating func exchange(_ a: Int, _ b: Int) {
    assert(a >= 0 && a < filled && b >= 0 && b < filled && taken == 0)
    // SAFETY: both slots are initialised, and are not the same.
    if a != b { unsafe swap(&slots[a], &slots[b]) }
  }

  /// Grows the packet at `target` by a part of the frame of another one, as `PacketBuffer.append(_:of:)`.
  package mutating func append(_ part: Range<Int>, of source: Int, to target: Int) {
    precondition(holds(source) && holds(target) && source != target, "no two packets there")
    // SAFETY: both slots are initialised, and are not the same.
    unsafe slots[target].append(part, of: slots[source])
  }

  /// Says that the first `count` slots are packets now. At most what `prepareToReceive` returned.
  @inlinable @inline(__always) package mutating func setReceived(_ count: Int) {
    assert(count <= filled && taken == 0)
    live = count
  }
}
