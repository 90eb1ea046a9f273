import LinkCore
import LinkSystem

/// Packets that follow one another in one flow, handed to a device as the large packet that they make: the kernel gets the
/// headers of it once, and the payloads from where they lie. Nothing is copied but headers.
extension Sender {
  /// As `transmit`; nil if the first packet goes alone.
  mutating func writeJoined(
    _ packets: Span<PacketBuffer>, from first: Int, _ limits: SendLimits, _ descriptor: CInt
  ) -> Int? {
    guard parts != nil, packets.count - first > 1, !offloading.offloads.isDisjoint(with: .segmentation),
      let run = run(packets, from: first, limits), run.count > 1
    else { return nil }
    let vnet = offloading.headerByteCount
    parts!.begin(headByteCount: vnet + run.payloadStart) { head in
      VirtioNetHeader(run.offload, linkHeaderLength: limits.headerLength).write(to: &head)
      packets[first].withFrame { frame in for index in 0..<run.payloadStart { head[vnet + index] = frame[index] } }
      run.complete(&head, at: vnet + limits.headerLength)
    }
    for index in first..<first + run.count {
      // SAFETY: the packets are borrowed for the call below.
      let frame = unsafe packets[index].frameBytes
      unsafe parts!.append(UnsafeRawBufferPointer(rebasing: frame[run.payloadStart...]))
    }
    // SAFETY: see above.
    let result = unsafe parts!.write(descriptor)
    if result < 0 {
      guard ErrnoClass(sending: CInt(-result)) == .drop else { return result }
      // The kernel does not take it like this: one by one, then, and from now on if it never did.
      if !hasJoined { parts = nil }
      return nil
    }
    hasJoined = true
    offloading.noteTaken(run.offload)
    count(packets, from: first, run.count)
    tally[.coalescedPacket] += UInt64(run.count - 1)
    return run.count
  }

  /// The packets from `first` on that make one of a kind that is handed on.
  private func run(_ packets: Span<PacketBuffer>, from first: Int, _ limits: SendLimits) -> SegmentRun? {
    guard let head = segment(packets[first], limits) else { return nil }
    var run = SegmentRun(head)
    guard offloading.offloads.carries(run.offload) else { return nil }
    let most = min(packets.count - first, partCapacity - 1)
    while run.count < most {
      let index = first + run.count
      guard limits.refusal(of: packets[index]) == nil, let next = segment(packets[index], limits) else { break }
      let isPart = packets[first].withFrame { headFrame in
        packets[index].withFrame { run.append(next, $0, headFrame: headFrame) }
      }
      if !isPart { break }
    }
    return run
  }

  private func segment(_ packet: borrowing PacketBuffer, _ limits: SendLimits) -> TransportSegment? {
    if packet.facts.isRawFrame { return nil }
    guard case .segment(let segment) = PacketRole(packet, linkHeaderLength: limits.headerLength) else { return nil }
    return segment
  }
}
