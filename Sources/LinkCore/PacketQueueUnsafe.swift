/// A bounded queue of packets, first in, first out. All its memory is there from the start.
@safe package struct PacketQueue: ~Copyable, @unchecked Sendable {
  private let slots: UnsafeMutablePointer<PacketBuffer>
  package let capacity: Int
  private var first = 0
  package private(set) var count = 0

  package init(capacity: Int) {
    precondition(capacity >= 1, "a queue holds at least one packet")
    self.capacity = capacity
    // SAFETY: `count` slots from `first` on, around the end, are initialised; deinit gives back exactly those.
    unsafe slots = .allocate(capacity: capacity)
  }

  deinit {
    // SAFETY: as in init.
    for index in 0..<count { unsafe (slots + (first + index) % capacity).deinitialize(count: 1) }
    unsafe slots.deallocate()
  }

  package var isEmpty: Bool { count == 0 }
  package var isFull: Bool { count == capacity }

  /// Traps when the queue is full.
  package mutating func append(_ packet: consuming PacketBuffer) {
    precondition(!isFull, "queue is full")
    // SAFETY: the slot behind the last is uninitialised while the queue is not full.
    unsafe (slots + (first + count) % capacity).initialize(to: packet)
    count += 1
  }

  /// Traps when the queue is empty.
  package mutating func removeFirst() -> PacketBuffer {
    precondition(!isEmpty, "queue is empty")
    // SAFETY: the first slot is initialised, and is behind the queue's front from now on.
    let packet = unsafe (slots + first).move()
    first = (first + 1) % capacity
    count -= 1
    return packet
  }

  /// Moves packets over from the front of another queue, as many as there is room for.
  package mutating func fill(from other: inout PacketQueue) {
    while !isFull, !other.isEmpty { append(other.removeFirst()) }
  }

  /// Lends the oldest packets that lie in a row: all of them, or those up to the end of the memory.
  package func withFront<R, E>(_ body: (Span<PacketBuffer>) throws(E) -> R) throws(E) -> R {
    // SAFETY: these slots are initialised, and stay so while self is borrowed.
    try body(unsafe Span(_unsafeStart: slots + first, count: min(count, capacity - first)))
  }
}
