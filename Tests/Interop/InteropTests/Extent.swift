import Foundation
import InteropSupport
import LinkTestSupport
import Testing

extension Trait where Self == ConditionTrait {
  /// Debian's packages golang-go and golang-gvisor-gvisor-dev: `Tools/check interop` installs them where it may.
  static var needsGvisor: Self { .enabled(if: GvisorPeer.isBuildable, "needs golang-go and golang-gvisor-gvisor-dev") }
}

/// How much is carried. A sample, unless INTEROP_PACKETS says how many packets each cell of the whole matrix has:
/// `Tools/check interop` does.
enum Extent {
  private static let wanted = ProcessInfo.processInfo.environment["INTEROP_PACKETS"].flatMap(Int.init)

  static let isWhole = wanted != nil

  static let cells: [Cell] = Cell.media.flatMap { medium in
    isWhole ? Cell.all(medium) : Cell.Job.allCases.map { Cell(medium, $0, size: 2049, isEthernet: true) }
  }

  /// How long a stream to a whole guest is, in bytes.
  static let streamByteCount = isWhole && !isThreadSanitized ? 100_000_000 : 10_000_000

  static func packets(of cell: Cell) -> Int { wanted.map { cell.packets(of: $0) } ?? 500 }
}
