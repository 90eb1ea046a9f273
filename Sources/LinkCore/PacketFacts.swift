/// What is known of a packet besides its bytes. It travels in the head of the packet's chunk.
@frozen public struct PacketFacts: BitwiseCopyable, Sendable {
  @usableFromInline var localBits: UInt64 = 0
  @usableFromInline var remoteBits: UInt64 = 0
  /// A hash of the packet's flow, for choosing among queues; 0 when nobody computed one.
  public var flowHash: UInt32 = 0
  /// The network protocol; `unknown` when nobody looked.
  public var networkProtocol = EtherType.unknown
  /// A packet to be sent goes out as it is, be its link header that of the link, another or none.
  public var isRawFrame = false
  /// Checksum and segmentation, left to others or done by them.
  public var offload = PacketOffload()

  @inlinable public init() {}

  /// This side's address on the route: the source of a packet to be sent, the destination of one received.
  @inlinable public var localAddress: LinkAddress? {
    get { localBits == 0 ? nil : LinkAddress(bits: localBits) }
    set { localBits = newValue?.bits ?? 0 }
  }
  /// The other side's: the destination of a packet to be sent, the source of one received.
  @inlinable public var remoteAddress: LinkAddress? {
    get { remoteBits == 0 ? nil : LinkAddress(bits: remoteBits) }
    set { remoteBits = newValue?.bits ?? 0 }
  }
}
