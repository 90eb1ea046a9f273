import LinkCore
import LinkSystem

/// Many packets per system call, straight into the packets. `recvmmsg(2)`. For packet sockets also where it takes one
/// packet at a time: only a message tells the VLAN tag that the kernel took out of the frame.
struct RecvmmsgStrategy: ~Copyable, ReceiveStrategy {
  private var row: MessageRow
  /// What the next call asks for: a little more than came last, since every packet asked for has to be made ready.
  private var request: Int
  private static let least = 4

  init(messageCount: Int, hasAuxiliaryData: Bool) {
    row = MessageRow(capacity: messageCount, hasAuxiliaryData: hasAuxiliaryData)
    request = messageCount
  }

  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult {
    if let reason = input.ending { return .stopped(reason) }
    let room = input.room(in: batch)
    var received = 0
    var seen = 0
    var next = ReceiveInput.Next.again
    while seen < limit {
      let asked = min(request, limit - seen)
      // Two copies, so that links without virtio-net headers do not pay for them.
      let count =
        input.headerByteCount == 0
        ? receive(asked, room, headerByteCount: 0, into: &batch, &input, &next, &received)
        : receive(asked, room, headerByteCount: input.headerByteCount, into: &batch, &input, &next, &received)
      guard count > 0 else { break }
      seen += count
      request = min(row.capacity, max(Self.least, 2 * count))
      // Fewer than asked for: there are no more, or the next call says why.
      guard count == asked, case .again = next else { break }
    }
    batch.setReceived(received)
    return ReceiveResult(received, next)
  }

  /// One call. Returns how many messages came, with at least one if an errno let it go on.
  @inline(__always) private mutating func receive(
    _ asked: Int, _ room: Int, headerByteCount: Int, into batch: inout PacketBatch, _ input: inout ReceiveInput,
    _ next: inout ReceiveInput.Next, _ received: inout Int
  ) -> Int {
    let first = received
    let wholeRoom = headerByteCount + room
    let headroom = PacketBuffer.defaultHeadroom - headerByteCount
    // SAFETY: `first + asked` is at most the limit, the number of slots that are initialised: each message before took a
    // slot at most. A prepared frame has as many bytes where its start says; a chunk without room for one has no start, and
    // nothing is read into it.
    let slots = unsafe batch.packetSlots
    for index in 0..<asked {
      let start = unsafe slots[first + index].prepareFrame(wholeRoom, headroom: headroom)
      unsafe row.set(index, start, byteCount: start == nil ? 0 : wholeRoom)
    }
    let count = unsafe row.receive(input.descriptor, count: asked)
    if count < 0 {
      next = input.next(after: CInt(-count), in: "recvmmsg")
      if case .again = next { return 1 }
      return 0
    }
    // At the end of a connection every further message reads as an empty one. Before a message with bytes it was a message.
    var last = count
    while last > 0, row.byteCount(of: last - 1) == 0 { last -= 1 }

    for index in 0..<count {
      let byteCount = row.byteCount(of: index)
      if byteCount == 0 {
        if index < last { input.countEmpty() } else { next = input.nextAfterEmptyRead() }
        if case .again = next { continue }
        break
      }
      // SAFETY: as above; `received` is never ahead of the message under way.
      batch.exchange(first + index, received)
      let tag = row.vlanTag(of: index)
      // In a chunk that was too small to be read into is still what was there before: there is no room in it.
      let read = max(0, row.room(of: index) - headerByteCount)
      if unsafe input.accept(
        &slots[received], byteCount: byteCount, room: read, headerByteCount: headerByteCount, tag)
      {
        received += 1
      }
    }
    return count
  }
}
