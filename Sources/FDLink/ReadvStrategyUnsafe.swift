import LinkCore
import LinkSystem

/// One system call per packet, straight into the packet. `readv(2)`.
struct ReadvStrategy: ReceiveStrategy {
  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult {
    if let reason = input.ending { return .stopped(reason) }
    let room = input.room(in: batch)
    var received = 0
    var next = ReceiveInput.Next.again
    for _ in 0..<limit {
      // SAFETY: `received` stays below `limit`, the number of slots that are initialised. A prepared frame has `room`
      // bytes where `start` says; a chunk without room for one has no start, and nothing is read into it.
      let slots = unsafe batch.packetSlots
      let start = unsafe slots[received].prepareFrame(room)
      let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : room)
      let count = unsafe PacketIO.readNoticingMore(input.descriptor, buffer)
      if count > 0 {
        if unsafe input.accept(&slots[received], byteCount: count, room: buffer.count) { received += 1 }
        continue
      }
      next = count == 0 ? input.nextAfterEmptyRead() : input.next(after: CInt(-count), in: "readv")
      if case .again = next { continue }
      break
    }
    batch.setReceived(received)
    return ReceiveResult(received, next)
  }
}
