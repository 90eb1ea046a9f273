import CBaselines
import LinkCore

extension BenchCase {
  /// The same ways of receiving while a thread on another processor sends as fast as it can. That thread is the slower
  /// one where a receiver has little to do, and it disturbs: these figures show the whole, not the receiver.
  static var live: [BenchCase] {
    let strategies: [(Medium, Strategy)] = [
      (.seqpacket, .recvmmsg), (.packet, .recvmmsg), (.packet, .ringV2), (.packet, .ringV3), (.tun, .readv),
    ]
    return strategies.flatMap { medium, strategy in sizes.map { live(medium, strategy, byteCount: $0) } }
  }

  private static func live(_ medium: Medium, _ strategy: Strategy, byteCount: Int) -> BenchCase {
    BenchCase(name: "live/\(medium.rawValue)/\(strategy.rawValue)/\(byteCount)", needsRoot: medium.needsRoot) {
      feeder in
      try receivers(medium, strategy, { _ in { $0 } }) { far, receive in
        { count in
          try feeder.feeding(far, byteCount: byteCount, medium.framing) { try receive(count) }
        }
      }
    }
  }
}
