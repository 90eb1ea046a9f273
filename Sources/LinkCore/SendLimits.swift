/// What a frame must be like to be sent on a link. Both links ask this one.
@usableFromInline package struct SendLimits: Sendable {
  /// The largest packet, in network-layer bytes.
  @usableFromInline package let mtu: Int
  /// The link header that every frame has: 0 or 14 bytes.
  @usableFromInline package let headerLength: Int

  /// The largest packet that somebody else is to cut; 0: nobody does.
  @usableFromInline package let segmentedByteCount: Int

  @inlinable package init(mtu: Int, headerLength: Int, segmentedByteCount: Int = 0) {
    self.mtu = mtu
    self.headerLength = headerLength
    self.segmentedByteCount = segmentedByteCount
  }

  /// Why the packet can never be sent; nil: it can.
  @inlinable @inline(__always) package func refusal(of packet: borrowing PacketBuffer) -> DropCause? {
    if packet.byteCount &- 1 < mtu, packet.linkHeaderLength == headerLength, packet.byteCount > 0 { return nil }
    return slowRefusal(packet)
  }

  @usableFromInline @inline(never) func slowRefusal(_ packet: borrowing PacketBuffer) -> DropCause? {
    if packet.frameByteCount == 0 { return .empty }
    if packet.facts.isRawFrame { return packet.frameByteCount > mtu + headerLength ? .oversize : nil }
    if packet.linkHeaderLength != headerLength { return .unframed }
    // A link header alone is a frame, if a strange one: it goes out as it is.
    if packet.byteCount <= mtu { return nil }
    let isToBeCut = packet.facts.offload.segmentation != .none && packet.byteCount <= segmentedByteCount
    return isToBeCut ? nil : .oversize
  }
}
