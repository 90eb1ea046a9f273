import LinkCore
import LinkSystem

/// One system call per packet, straight into the packet. `readv(2)`.
struct ReadvStrategy: ReceiveStrategy {
  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult {
    if let reason = input.ending { return .stopped(reason) }
    // Two copies of the loop, so that links without virtio-net headers do not pay for them.
    return input.headerByteCount == 0
      ? receive(into: &batch, limit: limit, headerByteCount: 0, &input)
      : receive(into: &batch, limit: limit, headerByteCount: input.headerByteCount, &input)
  }

  @inline(__always) private mutating func receive(
    into batch: inout PacketBatch, limit: Int, headerByteCount: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult {
    let room = input.room(in: batch)
    let byteCount = headerByteCount + room
    let headroom = PacketBuffer.defaultHeadroom - headerByteCount
    var received = 0
    var next = ReceiveInput.Next.again
    for _ in 0..<limit {
      // SAFETY: `received` stays below `limit`, the number of slots that are initialised. A prepared frame has as
      // many bytes where `start` says, and one more behind them where there is tailroom; a chunk without room for one
      // has no start, and nothing is read into it.
      let slots = unsafe batch.packetSlots
      let start = unsafe slots[received].prepareFrame(byteCount, headroom: headroom)
      let buffer = unsafe UnsafeMutableRawBufferPointer(start: start, count: start == nil ? 0 : byteCount)
      let hasSpareByte = unsafe start != nil && slots[received].tailroom > 0
      let count = unsafe PacketIO.readNoticingMore(input.descriptor, buffer, hasSpareByte: hasSpareByte)
      if count > 0 {
        let read = max(0, buffer.count - headerByteCount)
        if unsafe input.accept(&slots[received], byteCount: count, room: read, headerByteCount: headerByteCount) {
          received += 1
        }
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
