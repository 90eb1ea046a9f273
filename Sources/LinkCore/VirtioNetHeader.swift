/// The header that virtio network devices put in front of a frame: what is left to do to the packet. Ten bytes, little
/// endian. `struct virtio_net_hdr` of `linux/virtio_net.h`.
public struct VirtioNetHeader: Equatable, Sendable {
  public static let byteCount = 10
  /// With `num_buffers` behind these ten bytes: `struct virtio_net_hdr_mrg_rxbuf`.
  public static let mergeableByteCount = 12

  /// `VIRTIO_NET_HDR_F_*`.
  public var flags: UInt8 = 0
  /// `VIRTIO_NET_HDR_GSO_*`.
  public var segmentationType: UInt8 = 0
  /// Link, network and transport header together, as a hint.
  public var headerByteCount: UInt16 = 0
  public var segmentByteCount: UInt16 = 0
  /// From the start of the frame, link header included.
  public var checksumStart: UInt16 = 0
  public var checksumOffset: UInt16 = 0

  static let checksumNeeded: UInt8 = 1
  static let checksumVerified: UInt8 = 2
  static let congestion: UInt8 = 0x80

  public init() {}

  // MARK: Bytes

  /// Reads the first ten bytes; nil if there are fewer. Nothing is checked: see `offload`.
  public init?(_ bytes: Span<UInt8>) {
    guard bytes.count >= Self.byteCount else { return nil }
    func number(at offset: Int) -> UInt16 { UInt16(bytes[offset]) | UInt16(bytes[offset + 1]) << 8 }
    flags = bytes[0]
    segmentationType = bytes[1]
    headerByteCount = number(at: 2)
    segmentByteCount = number(at: 4)
    checksumStart = number(at: 6)
    checksumOffset = number(at: 8)
  }

  /// The byte at `offset`, 0 to 9.
  public subscript(offset: Int) -> UInt8 {
    func byte(of number: UInt16) -> UInt8 { UInt8(truncatingIfNeeded: number >> (offset % 2 == 0 ? 0 : 8)) }
    return switch offset {
    case 0: flags
    case 1: segmentationType
    case 2, 3: byte(of: headerByteCount)
    case 4, 5: byte(of: segmentByteCount)
    case 6, 7: byte(of: checksumStart)
    default: byte(of: checksumOffset)
    }
  }

  /// Writes it to the first ten bytes. Traps on fewer.
  public func write(to bytes: inout MutableSpan<UInt8>) {
    for offset in 0..<Self.byteCount { bytes[offset] = self[offset] }
  }

  // MARK: Meaning

  /// The header of a packet to be sent: an empty one of a raw frame, which goes out as it is.
  @inline(__always) package init(of packet: borrowing PacketBuffer) {
    let facts = packet.facts
    self.init(facts.isRawFrame ? PacketOffload() : facts.offload, linkHeaderLength: packet.linkHeaderLength)
  }

  /// The header of a frame whose link header has `linkHeaderLength` bytes.
  public init(_ offload: PacketOffload, linkHeaderLength: Int) {
    if offload == PacketOffload() { return }
    let shift = UInt16(truncatingIfNeeded: linkHeaderLength)
    segmentationType = offload.segmentation.rawValue
    if offload.segmentation != .none {
      segmentByteCount = offload.segmentByteCount
      if offload.marksCongestion { segmentationType |= Self.congestion }
    }
    if offload.headerByteCount > 0 { headerByteCount = offload.headerByteCount &+ shift }
    switch offload.checksum {
    case .complete: break
    case .verified: flags = Self.checksumVerified
    case .needed:
      flags = Self.checksumNeeded
      checksumStart = offload.checksumStart &+ shift
      checksumOffset = offload.checksumOffset
    }
  }

  /// What it says of a frame of `frameByteCount` bytes with a link header of `linkHeaderLength`. Nil if that cannot be:
  /// a kind of segmentation that there is not, segments of nothing, a checksum or headers outside of the frame.
  public func offload(frameByteCount: Int, linkHeaderLength: Int) -> PacketOffload? {
    var offload = PacketOffload()
    // The usual case, and what implementations without offloads always write.
    if self == VirtioNetHeader() { return offload }
    guard let kind = PacketOffload.Segmentation(rawValue: segmentationType & ~Self.congestion) else { return nil }
    offload.segmentation = kind
    offload.marksCongestion = segmentationType & Self.congestion != 0
    switch kind {
    case .tcpOverIPv4, .tcpOverIPv6: break
    case .none, .udp, .udpFragments: if offload.marksCongestion { return nil }
    }
    if kind != .none {
      guard segmentByteCount > 0 else { return nil }
      offload.segmentByteCount = segmentByteCount
    }
    guard Int(headerByteCount) <= frameByteCount else { return nil }
    // Shorter than the link header it is no hint.
    offload.headerByteCount = UInt16(max(0, Int(headerByteCount) - linkHeaderLength))
    // Flags that nobody knows are left out of account, as the standard wants it.
    if flags & Self.checksumNeeded != 0 {
      let start = Int(checksumStart)
      guard start >= linkHeaderLength, start + Int(checksumOffset) + 2 <= frameByteCount else { return nil }
      offload.checksum = .needed
      offload.checksumStart = UInt16(start - linkHeaderLength)
      offload.checksumOffset = checksumOffset
    } else if flags & Self.checksumVerified != 0 {
      offload.checksum = .verified
    }
    return offload
  }
}
