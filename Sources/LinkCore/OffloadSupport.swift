/// Which parts of `PacketOffload` a link hands on to whoever is behind it, and brings from there. What it does not hand on
/// it does itself when it sends.
public struct OffloadSupport: OptionSet, Hashable, Sendable {
  public let rawValue: UInt8
  public init(rawValue: UInt8) { self.rawValue = rawValue }

  /// Checksums that are left to be computed. Segmentation needs it: a link that does not hand on the one hands on neither.
  /// `TUN_F_CSUM`.
  public static let checksum = OffloadSupport(rawValue: 1 << 0)
  /// TCP over IPv4 to be cut. `TUN_F_TSO4`.
  public static let tcpOverIPv4 = OffloadSupport(rawValue: 1 << 1)
  /// `TUN_F_TSO6`.
  public static let tcpOverIPv6 = OffloadSupport(rawValue: 1 << 2)
  /// UDP over both to be cut. `TUN_F_USO4`, `TUN_F_USO6`.
  public static let udp = OffloadSupport(rawValue: 1 << 3)

  public static let segmentation: OffloadSupport = [.tcpOverIPv4, .tcpOverIPv6, .udp]
  public static let all: OffloadSupport = [.checksum, .segmentation]

  /// The flags of a link that hands this on.
  package var capabilities: LinkCapabilities {
    contains(.checksum) ? [.transmitChecksumOffload, .receiveChecksumOffload] : []
  }

  /// Whether a packet with these facts can go as it is.
  package func carries(_ offload: PacketOffload) -> Bool {
    if offload.checksum == .needed, !contains(.checksum) { return false }
    return switch offload.segmentation {
    case .none: true
    case .tcpOverIPv4: contains([.checksum, .tcpOverIPv4])
    case .tcpOverIPv6: contains([.checksum, .tcpOverIPv6])
    case .udp: contains([.checksum, .udp])
    case .udpFragments: false
    }
  }
}
