/// The bytes of a fuzzer's input, read as choices and numbers. Behind their end everything is zero.
struct FuzzInput {
  private let content: [UInt8]
  private var position = 0

  init(_ content: [UInt8]) { self.content = content }

  var isAtEnd: Bool { position >= content.count }

  mutating func byte() -> UInt8 {
    guard position < content.count else { return 0 }
    defer { position += 1 }
    return content[position]
  }

  /// Little endian, in as many bytes as the type has.
  mutating func number<Number: FixedWidthInteger & UnsignedInteger>(_: Number.Type = Number.self) -> Number {
    (0..<Number.bitWidth / 8).reduce(0) { $0 | Number(byte()) << Number(8 * $1) }
  }

  /// A choice of `count`, which is 1 to 65536: one byte where that is enough, or two.
  mutating func choice(_ count: Int) -> Int {
    count <= 256 ? Int(byte()) % count : Int(number(UInt16.self)) % count
  }

  /// The next `count` bytes; fewer at the end.
  mutating func bytes(_ count: Int) -> [UInt8] {
    let end = min(position + count, content.count)
    defer { position = end }
    return Array(content[position..<end])
  }
}
