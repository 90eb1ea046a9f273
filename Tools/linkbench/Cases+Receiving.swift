import CBaselines
import FDLink
import LinkCore
import LinkSystem

/// A way of receiving: what FDLink calls it, and the C loop beside it.
enum Strategy: String {
  case readv, recvmmsg
  case ringV2 = "ring-v2"
  case ringV3 = "ring-v3"
  /// The baseline looks at frames where the kernel put them. A link copies them out, since they outlive their place.
  case ringV2InPlace = "ring-v2-in-place"
  case ringV3InPlace = "ring-v3-in-place"

  static func all(of medium: Medium) -> [Strategy] {
    switch medium {
    case .seqpacket, .datagram: [.readv, .recvmmsg]
    case .packet: [.readv, .recvmmsg, .ringV2, .ringV3, .ringV2InPlace, .ringV3InPlace]
    case .tun: [.readv]
    }
  }

  var isRing: Bool { self != .readv && self != .recvmmsg }
  /// Whether it is the baseline's alone.
  var isInPlace: Bool { self == .ringV2InPlace || self == .ringV3InPlace }
  private var isBlockwise: Bool { self == .ringV3 || self == .ringV3InPlace }

  /// How many packets wait when the draining begins. A ring is drained in no time: more of them.
  var depth: Int { isRing ? 1024 : Medium.depth }

  var fdOptions: FDOptions {
    var options = FDOptions()
    options.dispatchMode = isRing ? .packetRing : self == .readv ? .readv : .recvmmsg
    options.ring.version = isBlockwise ? .blockwise : .framewise
    return options
  }

  /// The loop for a descriptor of the baseline.
  func baseline(_ medium: Medium, _ descriptor: CInt) throws -> (receive: (UInt64) -> cb_count, close: () -> Void) {
    let batch = CInt(fdOptions.receiveBatch)
    let isPacket = medium == .packet
    switch self {
    // A mere read of a packet socket loses VLAN tags: a link takes one message at a time instead.
    case .readv where isPacket: return ({ cb_receive_recvmmsg(descriptor, 1, true, $0) }, {})
    case .readv: return ({ cb_receive_readv(descriptor, $0) }, {})
    case .recvmmsg: return ({ cb_receive_recvmmsg(descriptor, batch, isPacket, $0) }, {})
    case .ringV2, .ringV3, .ringV2InPlace, .ringV3InPlace:
      let options = fdOptions.ring
      // The size that a link chooses for places of an interface with an MTU of 1500.
      let geometry = cb_ring_geometry(
        version: isBlockwise ? 3 : 2, block_byte_count: CInt(options.blockByteCount),
        block_count: CInt(options.blockCount), frame_byte_count: 2048,
        block_timeout: CInt(options.blockTimeout / .milliseconds(1)))
      let ring = cb_ring_open(descriptor, geometry)
      if ring < 0 { throw SystemError("PACKET_RX_RING", -ring) }
      return ({ cb_receive_ring(ring, !isInPlace, $0) }, { cb_ring_close(ring) })
    }
  }

  /// A block that is not full is handed over after a millisecond: waited for before the clock starts.
  func settle() throws { if isBlockwise { try poll([], nanoseconds: 3_000_000) } }
}

extension BenchCase {
  static let sizes = [64, 1500]

  /// Fill, then drain: nobody sends while a side receives, so its thread's time is that of receiving alone.
  static var receiving: [BenchCase] {
    Medium.allCases.flatMap { medium in
      Strategy.all(of: medium).flatMap { strategy in sizes.map { receiving(medium, strategy, byteCount: $0) } }
    }
  }

  private static func receiving(_ medium: Medium, _ strategy: Strategy, byteCount: Int) -> BenchCase {
    BenchCase(name: "receive/\(medium.rawValue)/\(strategy.rawValue)/\(byteCount)", needsRoot: medium.needsRoot) { _ in
      func fill(_ descriptor: CInt) -> (Int) throws -> Int {
        { wanted in
          let count = min(wanted, strategy.depth)
          let filled = cb_fill(descriptor, CInt(byteCount), medium.framing, UInt64(count))
          try strategy.settle()
          return Int(filled)
        }
      }
      return try receivers(medium, strategy, fill) { _, receive in receive }
    }
  }

  /// Both sides of a case that receives. `prepare` and `move` are given the descriptor of the sender.
  static func receivers(
    _ medium: Medium, _ strategy: Strategy, _ prepare: (CInt) -> (Int) throws -> Int,
    _ move: (CInt, @escaping (Int) throws -> Moved) -> (Int) throws -> Moved
  ) throws -> (baseline: Side, ours: Side) {
    let (near, baselineFar) = try medium.openBaseline(far: true)
    let loop = try strategy.baseline(medium, near)
    let baseline = Side(
      prepare: prepare(baselineFar), move: move(baselineFar) { Moved(loop.receive(UInt64($0))) },
      close: {
        loop.close()
        Medium.close(near, baselineFar)
      })
    let (link, far) = try medium.openLink(far: true, strategy.fdOptions)
    let underTest = try LinkUnderTest(link)
    let ours = Side(
      prepare: prepare(far), move: move(far, underTest.receive),
      close: {
        underTest.close()
        Medium.close(far)
      })
    return (baseline, ours)
  }
}

extension Moved {
  init(_ count: cb_count) { self.init(packets: Int(count.packets), bytes: Int(count.bytes)) }
}
