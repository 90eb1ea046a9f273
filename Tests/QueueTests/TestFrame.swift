import LinkCore

/// A frame whose bytes follow from its number.
struct TestFrame: Equatable {
  let number: Int
  let byteCount: Int

  private static func byte(_ number: Int, _ position: Int) -> UInt8 {
    UInt8(truncatingIfNeeded: number &* 167 &+ position &* 13 &+ position >> 8)
  }

  /// Positions that are written and compared: a grid that meets every alignment, and the last byte.
  private static let step = 7

  func write(to packet: inout PacketBuffer) {
    packet.append(byteCount) { bytes in
      for position in stride(from: 0, to: bytes.count, by: Self.step) { bytes[position] = Self.byte(number, position) }
      bytes[bytes.count - 1] = Self.byte(number, bytes.count - 1)
    }
  }

  func equals(_ bytes: Span<UInt8>) -> Bool {
    guard bytes.count == byteCount else { return false }
    for position in stride(from: 0, to: byteCount, by: Self.step) where bytes[position] != Self.byte(number, position) {
      return false
    }
    return bytes[byteCount - 1] == Self.byte(number, byteCount - 1)
  }
}

/// What was sent and has not arrived, in order.
struct Ledger {
  private(set) var expected: [TestFrame] = []
  private var first = 0
  private(set) var wrong = 0
  private(set) var arrived = 0

  var isBalanced: Bool { first == expected.count && wrong == 0 }

  mutating func sent(_ frames: ArraySlice<TestFrame>) { expected += frames }

  mutating func received(_ batch: borrowing PacketBatch) {
    batch.forEach { bytes in
      if first == expected.count || !expected[first].equals(bytes) { wrong += 1 }
      first = min(first + 1, expected.count)
      arrived += 1
    }
  }
}
