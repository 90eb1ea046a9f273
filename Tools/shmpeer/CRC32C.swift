/// CRC-32C (Castagnoli), eight bytes at a time. RFC 3720, appendix B.4.
struct CRC32C: Sendable {
  // Eight tables of 256: table k says what a byte does to the sum k bytes later.
  private static let tables: InlineArray<2048, UInt32> = makeTables()

  private var register: UInt32 = 0xffff_ffff

  /// The sum of the bytes so far. Of no bytes it is 0.
  var value: UInt32 { ~register }

  static func sum(_ bytes: Span<UInt8>) -> UInt32 {
    var sum = CRC32C()
    sum.add(bytes)
    return sum.value
  }

  mutating func add(_ bytes: Span<UInt8>) {
    var crc = register
    var index = 0
    while index &+ 8 <= bytes.count {
      crc ^=
        UInt32(bytes[index]) | UInt32(bytes[index &+ 1]) << 8 | UInt32(bytes[index &+ 2]) << 16
        | UInt32(bytes[index &+ 3]) << 24
      crc =
        Self.tables[Int(crc & 0xff) &+ 1792] ^ Self.tables[Int(crc >> 8 & 0xff) &+ 1536]
        ^ Self.tables[Int(crc >> 16 & 0xff) &+ 1280] ^ Self.tables[Int(crc >> 24) &+ 1024]
        ^ Self.tables[Int(bytes[index &+ 4]) &+ 768] ^ Self.tables[Int(bytes[index &+ 5]) &+ 512]
        ^ Self.tables[Int(bytes[index &+ 6]) &+ 256] ^ Self.tables[Int(bytes[index &+ 7])]
      index &+= 8
    }
    while index < bytes.count {
      crc = crc >> 8 ^ Self.tables[Int((crc ^ UInt32(bytes[index])) & 0xff)]
      index &+= 1
    }
    register = crc
  }

  private static func makeTables() -> InlineArray<2048, UInt32> {
    var tables = InlineArray<2048, UInt32>(repeating: 0)
    for byte in 0..<256 {
      var crc = UInt32(byte)
      for _ in 0..<8 { crc = crc & 1 == 1 ? crc >> 1 ^ 0x82f6_3b78 : crc >> 1 }
      tables[byte] = crc
    }
    for index in 256..<2048 { tables[index] = tables[index - 256] >> 8 ^ tables[Int(tables[index - 256] & 0xff)] }
    return tables
  }
}
