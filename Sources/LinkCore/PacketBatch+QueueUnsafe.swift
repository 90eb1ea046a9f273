/// For links whose packets wait between threads: chunks change hands, no byte is copied.
extension PacketBatch {
  /// Moves packets over from the front of a queue, as many as there is room for. Only of a batch that owns no chunk, as
  /// `giveBack` leaves it.
  package mutating func fill(from queue: inout PacketQueue) {
    precondition(filled == 0, "batch has packets, or spares")
    while live < capacity, !queue.isEmpty {
      // SAFETY: no slot from `live` on is initialised, and `capacity` bounds them; `filled` follows below.
      unsafe (slots + live).initialize(to: queue.removeFirst())
      live += 1
    }
    filled = live
  }

  /// Gives all its chunks back to where they came from: packets and spares.
  package mutating func giveBack() {
    compact()
    // SAFETY: with nothing taken the slots below `filled` are initialised, and no other.
    unsafe slots.deinitialize(count: filled)
    filled = 0
    live = 0
  }
}
