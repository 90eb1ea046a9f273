/// Tells lost, doubled and late packets apart by their numbers, in a fixed amount of memory: it remembers the last 65536
/// numbers, and takes anything older for late.
package struct SequenceTracker: Sendable {
  private static let window: UInt64 = 65536
  package init() {}

  private var seen = [UInt64](repeating: 0, count: Int(window) / 64)
  /// One more than the highest number so far.
  package private(set) var next: UInt64 = 0
  /// Packets with a number that was new.
  package private(set) var distinct: UInt64 = 0
  package private(set) var duplicated: UInt64 = 0
  package private(set) var reordered: UInt64 = 0

  /// Numbers below the highest that never came.
  package var lost: UInt64 { next > distinct ? next - distinct : 0 }

  /// A number that no sender reaches.
  package static func isPlausible(_ sequence: UInt64) -> Bool { sequence < 1 << 62 }

  @inline(__always)
  package mutating func add(_ sequence: UInt64) {
    guard sequence == next else { return addOutOfOrder(sequence) }
    if sequence & 63 == 0 { seen[Self.word(sequence)] = 0 }
    accept(sequence)
    next = sequence &+ 1
  }

  private mutating func addOutOfOrder(_ sequence: UInt64) {
    if sequence > next {
      // Forget the words between here and there; a jump over the whole window forgets all.
      let first = (next + 63) >> 6
      let last = sequence >> 6
      if last >= first {
        for word in last - first >= Self.window / 64 ? last - (Self.window / 64 - 1)...last : first...last {
          seen[Int(word % (Self.window / 64))] = 0
        }
      }
      accept(sequence)
      next = sequence + 1
    } else if next - sequence > Self.window - 64 {
      reordered += 1
      distinct += 1
    } else if seen[Self.word(sequence)] & Self.bit(sequence) != 0 {
      duplicated += 1
    } else {
      reordered += 1
      accept(sequence)
    }
  }

  private mutating func accept(_ sequence: UInt64) {
    seen[Self.word(sequence)] |= Self.bit(sequence)
    distinct &+= 1
  }

  private static func word(_ sequence: UInt64) -> Int { Int((sequence >> 6) % (window / 64)) }
  private static func bit(_ sequence: UInt64) -> UInt64 { 1 << (sequence & 63) }
}
