/// What a link does for its users, and asks of them.
public struct LinkCapabilities: OptionSet, Hashable, Sendable {
  public let rawValue: UInt32
  public init(rawValue: UInt32) { self.rawValue = rawValue }

  /// Senders may leave transport checksums out; the link or what is behind it adds them.
  public static let transmitChecksumOffload = LinkCapabilities(rawValue: 1 << 0)
  /// Received packets have had their transport checksums verified, or need none.
  public static let receiveChecksumOffload = LinkCapabilities(rawValue: 1 << 1)
  /// Senders must find out the link address of the next hop (ARP, neighbour discovery): the link has Ethernet framing.
  public static let resolutionRequired = LinkCapabilities(rawValue: 1 << 2)
  /// The owner may save and restore the stack around this link.
  public static let saveRestore = LinkCapabilities(rawValue: 1 << 3)
  /// Connections over this link may be cut when it is restored.
  public static let disconnectOK = LinkCapabilities(rawValue: 1 << 4)
}

/// The hardware type for ARP. `ARPHRD_*`, RFC 826.
public enum HardwareType: UInt16, Sendable {
  /// No link header and no address: ARP does not apply.
  case none = 0xfffe
  /// `ARPHRD_ETHER`.
  case ethernet = 1
}

/// How large a packet a sender may hand over, and who cuts it.
public struct SegmentationSupport: Equatable, Sendable {
  public enum Kind: Sendable {
    /// Nobody: packets are as large as the MTU at most.
    case none
    /// The link, in software, as it sends: packets carry `PacketOffload` facts.
    case software
    /// Whoever is behind the link: the facts travel on. What the link does not hand on it cuts itself.
    case host
  }
  /// Who cuts.
  public var kind: Kind
  /// The largest packet in network-layer bytes; 0 with `.none`.
  public var maxByteCount: Int

  public init(kind: Kind, maxByteCount: Int) {
    self.kind = kind
    self.maxByteCount = maxByteCount
  }

  /// Nobody cuts.
  public static let none = SegmentationSupport(kind: .none, maxByteCount: 0)
}
