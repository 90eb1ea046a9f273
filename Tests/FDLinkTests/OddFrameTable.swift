import LinkCore
import Testing

/// Frames that are not as they should be.
enum OddFrame: String, CaseIterable, Sendable {
  case empty, oneByte, thirteenBytes, oversize, farOversize, truncated, misaddressed, garbage

  /// What becomes of one.
  enum Fate: Equatable, Sendable {
    case dropped(DropCause)
    case delivered
    /// The kernel takes none from the sender, for this reason.
    case refused(String)
    /// There is no such frame, for this reason.
    case none(String)
  }

  /// One place of the table. Each has a fate: a switch without a default misses none.
  struct Cell: Sendable, CustomTestStringConvertible {
    let frame: OddFrame
    let wire: Wire
    var testDescription: String { "\(frame.rawValue) over \(wire.testDescription)" }

    var fate: Fate {
      switch frame {
      case .empty:
        switch wire.medium {
        case .seqpacket, .datagram, .udp: .dropped(.empty)
        case .tun: .refused("a packet socket sends no packet without a byte")
        case .tap, .packet: .refused("an interface takes no frame shorter than its header")
        }
      case .oneByte, .thirteenBytes:
        switch wire.medium {
        case .seqpacket, .datagram, .udp: wire.isEthernet ? .dropped(.runt) : .delivered
        case .tun: .delivered
        case .tap, .packet: .refused("an interface takes no frame shorter than its header")
        }
      case .oversize, .farOversize: .dropped(.oversize)
      case .truncated: .dropped(.truncated)
      case .misaddressed: wire.isEthernet ? .dropped(.misaddressed) : .none("IP links have no link addresses")
      // What is no IP is for the stack behind the link to judge.
      case .garbage: .delivered
      }
    }

    /// The MTU that a truncated frame keeps to, though the pool does not hold it.
    static let mtu = 1500
    /// What the pool holds then.
    static let smallMTU = 200

    var bytes: [UInt8] {
      switch frame {
      case .empty: []
      case .oneByte: [0x45]
      case .thirteenBytes: [0x45] + [UInt8](repeating: 2, count: 12)
      case .oversize: frame(byteCount: Self.mtu + 1)
      case .farOversize: frame(byteCount: wire.medium.needsDevices && wire.medium != .udp ? 9000 : 60_000)
      case .truncated: frame(byteCount: Self.smallMTU + 1)
      case .misaddressed: OddFrameTests.ethernet(to: LinkAddress(2, 0, 0, 0, 0, 7))
      case .garbage: frame(byteCount: 0) + (0..<100).map { UInt8(255 - $0) }
      }
    }

    /// Frames of every kind that is to be delivered, one of them as long as can be.
    var good: [[UInt8]] {
      let longest = frame(byteCount: frame == .truncated ? Self.smallMTU : Self.mtu)
      if !wire.isEthernet { return [frame(byteCount: 100), longest] }
      let others = [LinkAddress.broadcast, LinkAddress(1, 0, 0x5e, 0, 0, 1)].map { OddFrameTests.ethernet(to: $0) }
      return [frame(byteCount: 100)] + others + [longest]
    }

    /// A frame for the link with a packet of so many bytes.
    private func frame(byteCount: Int) -> [UInt8] {
      if !wire.isEthernet { return byteCount == 0 ? [] : numbered(7, byteCount: byteCount) }
      return OddFrameTests.ethernet(to: OddFrameTests.own, byteCount: 14 + byteCount)
    }
  }

  static let table: [Cell] = Wire.all.flatMap { wire in allCases.map { Cell(frame: $0, wire: wire) } }
}
