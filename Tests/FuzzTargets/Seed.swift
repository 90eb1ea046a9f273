/// An input that is written down: the counterpart of `FuzzInput` and of the steps of the targets.
package struct Seed: Sendable {
  package let name: String
  package private(set) var content: [UInt8] = []

  init(_ name: String, _ content: [UInt8] = []) {
    self.name = name
    self.content = content
  }

  /// A seed for a `QueueFuzz` of one of its geometries.
  init(_ name: String, geometry: Int) { self.init("\(name)-\(geometry)", [UInt8(geometry)]) }

  // The steps of `QueueFuzz`.

  mutating func push(_ message: [UInt8]) { content += [0, UInt8(message.count - 1)] + message }
  mutating func publish() { content.append(1) }
  mutating func receive(atMost most: Int) { content += [2, UInt8(most - 1)] }
  mutating func send(_ byteCounts: [Int]) {
    content += [2, UInt8(byteCounts.count - 1)] + byteCounts.flatMap { Self.bytes(UInt64($0 - 1), 2) }
  }
  mutating func look() { content.append(3) }
  mutating func giveBack() { content.append(4) }
  /// A word of the pipe that the far end writes; it has at most 2048 bytes.
  mutating func scribble(_ word: Int, _ value: UInt64) { content += [5] + Self.bytes(value, 8) + [UInt8(word)] }

  // Messages.

  static func bytes(_ value: UInt64, _ count: Int) -> [UInt8] {
    (0..<count).map { UInt8(truncatingIfNeeded: value >> UInt64(8 * $0)) }
  }

  static func packet(_ identifier: UInt64, total: Int, _ buffers: [(offset: Int, size: Int)]) -> [UInt8] {
    bytes(identifier, 8) + bytes(UInt64(total), 8)
      + buffers.flatMap { bytes(UInt64($0.offset), 8) + bytes(UInt64($0.size), 4) }
  }

  static func received(total: Int, _ buffers: [(offset: Int, size: Int, identifier: UInt64)]) -> [UInt8] {
    bytes(UInt64(total), 8)
      + buffers.flatMap { bytes(UInt64($0.offset), 8) + bytes(UInt64($0.size), 12) + bytes($0.identifier, 8) }
  }

  static func post(offset: Int, size: Int, identifier: UInt64) -> [UInt8] {
    bytes(UInt64(offset), 8) + bytes(UInt64(size), 16) + bytes(identifier, 8)
  }
}
