import LinkCore
import Synchronization

/// A kernel that granted a kind of offload, or was not asked, may know it for receiving only: it refuses every packet with it.
/// Then the link does without it. But it refuses with the same errno what is wrong about one packet, and packets may come
/// from strangers, who are not to switch anything off.
extension Offloading {
  /// Whether the packet's facts ask for anything.
  func isAffected(by packet: borrowing PacketBuffer) -> Bool { headerByteCount > 0 && !Self.kind(of: packet).isEmpty }

  /// The kernel took the packet.
  @inline(__always) func noteTaken(_ packet: borrowing PacketBuffer) { noteTaken(Self.kind(of: packet)) }

  /// The kernel took the packet that others were joined to.
  func noteTaken(_ joined: PacketOffload) { noteTaken(Self.kind(of: joined)) }

  @inline(__always) private func noteTaken(_ offload: OffloadSupport) {
    let kind = offload.rawValue
    if known.load(ordering: .relaxed) & kind != kind { known.bitwiseOr(kind, ordering: .relaxed) }
  }

  /// The kernel refused the packet. Returns whether that switches a kind off.
  func refuse(_ packet: borrowing PacketBuffer) -> Bool {
    let kind = Self.kind(of: packet)
    guard known.load(ordering: .relaxed) & kind.rawValue == 0, packet.isSound else { return false }
    // Segmentation needs checksums.
    let lost = kind == .checksum ? .all : kind
    return granted.bitwiseAnd(~lost.rawValue, ordering: .relaxed).oldValue & kind.rawValue != 0
  }

  /// Segmentation, or else a checksum, or nothing.
  @inline(__always) private static func kind(of packet: borrowing PacketBuffer) -> OffloadSupport {
    let facts = packet.facts
    return facts.isRawFrame ? [] : kind(of: facts.offload)
  }

  @inline(__always) private static func kind(of offload: PacketOffload) -> OffloadSupport {
    switch offload.segmentation {
    case .tcpOverIPv4: .tcpOverIPv4
    case .tcpOverIPv6: .tcpOverIPv6
    case .udp: .udp
    case .none, .udpFragments: offload.checksum == .needed ? .checksum : []
    }
  }
}

extension PacketBuffer {
  /// Whether a kernel that knows the packet's kind of offload takes it: TCP or UDP behind an IP header without extensions, as
  /// the facts say. It may be, where this is false.
  fileprivate var isSound: Bool {
    let offload = facts.offload
    return withBytes { bytes in
      guard let first = bytes.isEmpty ? nil : bytes[0] >> 4, first == 4 || first == 6 else { return false }
      let isIPv4 = first == 4
      guard bytes.count >= (isIPv4 ? 20 : 40) else { return false }
      let networkByteCount = isIPv4 ? 4 * Int(bytes[0] & 15) : 40
      let transport = bytes[isIPv4 ? 9 : 6]
      let isTCP = transport == 6
      guard isTCP || transport == 17, networkByteCount >= 20, offload.checksum == .needed else { return false }
      let headers = networkByteCount + (isTCP ? 20 : 8)
      guard Int(offload.checksumStart) == networkByteCount, offload.checksumOffset == (isTCP ? 16 : 6),
        bytes.count >= headers, Int(offload.headerByteCount) <= bytes.count,
        // A mark of the kernel's own: GSO_BY_FRAGS.
        offload.segmentByteCount != 0xffff
      else { return false }
      return switch offload.segmentation {
      case .none: true
      case .tcpOverIPv4: isTCP && isIPv4 && bytes.count > headers
      case .tcpOverIPv6: isTCP && !isIPv4 && bytes.count > headers
      // At most 64 datagrams: as many as every kernel takes.
      case .udp: !isTCP && (1...64).contains((bytes.count - headers) / max(1, Int(offload.segmentByteCount)))
      case .udpFragments: false
      }
    }
  }
}
