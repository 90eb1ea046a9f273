/// What somebody else is to do with a packet, or has done already: transport checksums and segmentation. On links with a
/// virtio-net header it travels with the packet; what a link does not hand on it does itself, in software, as it sends.
/// Positions count from the start of the network header, so that link headers may come and go.
@frozen public struct PacketOffload: BitwiseCopyable, Equatable, Sendable {
  /// How the packet is to be cut before a network takes it. `VIRTIO_NET_HDR_GSO_*`.
  @frozen public enum Segmentation: UInt8, BitwiseCopyable, Sendable {
    /// It goes as it is.
    case none = 0
    case tcpOverIPv4 = 1
    /// One datagram, cut into IP fragments. Only named: no link does it, or hands it on.
    case udpFragments = 3
    case tcpOverIPv6 = 4
    /// Many datagrams of one size, in one packet.
    case udp = 5
  }

  @frozen public enum Checksum: UInt8, BitwiseCopyable, Sendable {
    /// In place; whoever receives it verifies it.
    case complete
    /// It needs no verifying: the other side vouches for it. `VIRTIO_NET_HDR_F_DATA_VALID`.
    case verified
    /// It is to be computed over everything from `checksumStart` on, and stored `checksumOffset` bytes behind that, where
    /// the sum of the pseudo header lies now. `VIRTIO_NET_HDR_F_NEEDS_CSUM`.
    case needed
  }

  public var segmentation = Segmentation.none
  public var checksum = Checksum.complete
  /// Where the sum begins; only with a checksum that is needed. In bytes, as all that follow.
  public var checksumStart: UInt16 = 0
  public var checksumOffset: UInt16 = 0
  /// The payload of each segment; only with segmentation.
  public var segmentByteCount: UInt16 = 0
  /// Network and transport header together, as a hint; 0: look for yourself.
  public var headerByteCount: UInt16 = 0
  /// The TCP segments tell of congestion: CWR belongs into the first only. `VIRTIO_NET_HDR_GSO_ECN`.
  public var marksCongestion = false

  /// The segments of an IPv4 packet that must not be fragmented all have its identification, as those that it was made of
  /// had. Virtio-net headers do not carry it: where somebody else cuts, each segment counts on. `SKB_GSO_TCP_FIXEDID`.
  public var hasFixedIdentification = false

  @inlinable public init() {}
}
