import LinkCore
import LinkSystem

/// Frames behind virtio-net headers, which lie in memory of their own: packets are lent for reading.
extension Sender {
  /// As `transmit`.
  mutating func transmitBehindHeaders(
    _ packets: Span<PacketBuffer>, from first: Int, _ limits: SendLimits, _ descriptor: CInt
  ) -> Int {
    guard let capacity = row?.capacity else {
      if let joined = writeJoined(packets, from: first, limits, descriptor) { return joined }
      return writeBehindHeader(packets[first], descriptor)
    }
    let most = min(capacity, packets.count - first)
    prepare(0, packets[first])
    var ready = 1
    while ready < most, goes(packets[first + ready], limits) {
      prepare(ready, packets[first + ready])
      ready += 1
    }
    // SAFETY: the packets are borrowed for the call.
    let result = unsafe row!.send(descriptor, count: ready)
    count(packets, from: first, result)
    for index in first..<first + max(0, result) { offloading.noteTaken(packets[index]) }
    return result
  }

  /// Whether the packet can be sent in one call with those before it.
  private func goes(_ packet: borrowing PacketBuffer, _ limits: SendLimits) -> Bool {
    limits.refusal(of: packet) == nil && packet.isCarried(by: offloading.offloads)
  }

  private mutating func prepare(_ index: Int, _ packet: borrowing PacketBuffer) {
    let header = VirtioNetHeader(of: packet)
    row!.setHead(index) { header.write(to: &$0) }
    // SAFETY: the caller has borrowed the packet until the row was sent.
    let bytes = unsafe packet.frameBytes
    unsafe row!.set(index, bytes.baseAddress, byteCount: bytes.count)
  }

  private mutating func writeBehindHeader(_ packet: borrowing PacketBuffer, _ descriptor: CInt) -> Int {
    var head = InlineArray<12, UInt8>(repeating: 0)
    var span = head.mutableSpan
    VirtioNetHeader(of: packet).write(to: &span)
    // SAFETY: the packet is borrowed for the call.
    let bytes = unsafe packet.frameBytes
    let result = unsafe PacketIO.write(descriptor, head: &head, headByteCount: offloading.headerByteCount, bytes)
    if result < 0 { return result }
    count(1, byteCount: bytes.count)
    offloading.noteTaken(packet)
    return 1
  }
}
