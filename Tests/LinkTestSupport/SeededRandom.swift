import Foundation
import HostilePeer

/// Random numbers that come back with their seed. It prints the seed, so that a failure can be repeated with
/// `LINK_TEST_SEED`.
package struct SeededRandom: RandomNumberGenerator, Sendable {
  package let seed: UInt64
  private var generator: SeededGenerator

  /// A seed from the environment, or a new one; printed with `label`.
  package init(_ label: String) {
    let given = ProcessInfo.processInfo.environment["LINK_TEST_SEED"].flatMap { UInt64($0) }
    self.init(seed: given ?? UInt64.random(in: 1...UInt64.max))
    print("\(label): seed \(seed)")
  }

  package init(seed: UInt64) {
    self.seed = seed
    generator = SeededGenerator(seed: seed)
  }

  package mutating func next() -> UInt64 { generator.next() }

  package mutating func bytes(_ count: Int) -> [UInt8] { (0..<count).map { _ in UInt8(truncatingIfNeeded: next()) } }
}
