import LinkCore
import LinkSystem

extension PacketBuffer {
  /// Puts a VLAN tag in its place, behind the addresses of a frame whose header is not marked yet; positions in its
  /// facts move with it. A frame without a whole header stays as it is.
  @inline(never) mutating func insert(_ tag: VLANTag) {
    guard frameByteCount >= EthernetHeader.byteCount else { return }
    prepend(Self.tagByteCount) { _ in }
    withMutableBytes { bytes in
      for index in 0..<12 { bytes[index] = bytes[index + Self.tagByteCount] }
      for (index, value) in [(12, tag.protocol), (14, tag.information)] {
        bytes[index] = UInt8(value >> 8)
        bytes[index + 1] = UInt8(truncatingIfNeeded: value)
      }
    }
    let offload = facts.offload
    if offload.checksum == .needed { facts.offload.checksumStart &+= UInt16(Self.tagByteCount) }
    if offload.headerByteCount > 0 { facts.offload.headerByteCount &+= UInt16(Self.tagByteCount) }
  }

  private static var tagByteCount: Int { 4 }
}
