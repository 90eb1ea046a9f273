import LinkCore

/// How frames lie in the buffers: as they are, or each behind a virtio-net header. Both ends have to agree.
///
/// Queues choose once a batch between two copies of their loop, each with a constant format, so that links without the
/// header do not pay for it: with a format that is only known at run time every packet costs a tenth more.
package enum FrameFormat: Sendable {
  case plain, virtioNet

  /// What precedes each frame.
  @inline(__always) package var headerByteCount: Int {
    switch self {
    case .plain: 0
    case .virtioNet: VirtioNetHeader.byteCount
    }
  }

  // MARK: Sending

  /// Copies `count` bytes of header and frame, from `position` on, to `offset` of `region`.
  @inline(__always)
  func copyIn(_ frame: borrowing PacketBuffer, from position: Int, count: Int, to offset: Int, of region: SharedRegion)
  {
    if self == .plain {
      region.copyIn(frame, from: position, count: count, to: offset)
    } else {
      copyInWithHeader(frame, from: position, count: count, to: offset, of: region)
    }
  }

  /// The buffers are the peer's choice: the header may lie across several.
  @inline(never) private func copyInWithHeader(
    _ frame: borrowing PacketBuffer, from position: Int, count: Int, to offset: Int, of region: SharedRegion
  ) {
    let headerPart = min(max(headerByteCount - position, 0), count)
    if headerPart > 0 {
      let header = VirtioNetHeader(of: frame)
      for index in 0..<headerPart { region.setByte(header[position + index], offset + index) }
    }
    guard count > headerPart else { return }
    region.copyIn(
      frame, from: position + headerPart - headerByteCount, count: count - headerPart, to: offset + headerPart)
  }

  // MARK: Receiving

  /// Makes the packet ready for `count` bytes of header and frame. False if it is too small.
  @inline(__always) func begin(_ packet: inout PacketBuffer, _ count: Int) -> Bool {
    packet.beginFrame(count, headroom: PacketBuffer.defaultHeadroom &- headerByteCount)
  }

  /// Reads the headers of a frame that was copied out, and takes that of virtio off. Why the packet is dropped; nil: it
  /// is good.
  @inline(__always) func parse(_ packet: inout PacketBuffer, _ framing: LinkFraming) -> DropCause? {
    self == .plain ? framing.parseHeader(of: &packet) ? nil : .runt : parseWithHeader(&packet, framing)
  }

  @inline(never) private func parseWithHeader(_ packet: inout PacketBuffer, _ framing: LinkFraming) -> DropCause? {
    guard let header = packet.withFrame({ VirtioNetHeader($0) }) else { return .runt }
    packet.markLinkHeader(headerByteCount)
    packet.removeLinkHeader()
    guard framing.parseHeader(of: &packet) else { return .runt }
    let claimed = header.offload(
      frameByteCount: packet.frameByteCount, linkHeaderLength: packet.linkHeaderLength)
    guard let claimed else { return .malformed }
    packet.facts.offload = claimed
    return nil
  }
}
