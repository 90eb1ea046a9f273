import LinkCore
import LinkSystem

/// Frames behind virtio-net headers. A header is a claim of whoever sent the frame: it is checked before it becomes facts.
extension ReceiveInput {
  /// As of a plain frame of `byteCount` bytes, with its header in front of it in the packet.
  @inline(never) func dropCauseBehindHeader(
    _ packet: inout PacketBuffer, _ byteCount: Int, _ room: Int, _ tag: VLANTag?
  ) -> DropCause? {
    if byteCount <= 0 { return .runt }
    if byteCount > max(frameLimit, segmentedFrameLimit) { return .oversize }
    if byteCount > room { return .truncated }
    packet.trim(toByteCount: headerByteCount + byteCount)
    guard let header = packet.withFrame({ VirtioNetHeader($0) }) else { return .runt }
    packet.markLinkHeader(headerByteCount)
    packet.removeLinkHeader()
    return dropCause(of: &packet, behind: header, tag)
  }

  /// Of a frame without its header.
  func dropCause(of packet: inout PacketBuffer, behind header: VirtioNetHeader, _ tag: VLANTag?) -> DropCause? {
    if framing.trimsPadding {
      // First, since the facts are those of what is left. A tag goes into a frame whose header is not marked.
      guard framing.parseHeader(of: &packet) else { return .runt }
      packet.unmarkLinkHeader()
    }
    let byteCount = packet.frameByteCount
    guard let offload = header.offload(frameByteCount: byteCount, linkHeaderLength: framing.headerLength) else {
      return .malformed
    }
    if byteCount > limit(offload) { return .oversize }
    packet.facts.offload = offload
    if let tag { packet.insert(tag) }
    return parse(&packet)
  }
}
