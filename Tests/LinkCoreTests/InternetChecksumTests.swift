import LinkCore
import LinkTestSupport
import Testing

struct InternetChecksumTests {
  static func sum(_ parts: [UInt8]...) -> InternetChecksum {
    var sum = InternetChecksum()
    for part in parts { sum.add(part.span) }
    return sum
  }

  @Test func `known vectors`() {
    #expect(Self.sum([0x00, 0x01, 0xf2, 0x03, 0xf4, 0xf5, 0xf6, 0xf7]).sum == 0xddf2)
    let header: [UInt8] = [
      0x45, 0, 0, 0x73, 0, 0, 0x40, 0, 0x40, 0x11, 0, 0, 0xc0, 0xa8, 0, 1, 0xc0, 0xa8, 0, 0xc7,
    ]
    #expect(Self.sum(header).checksum == 0xb861)
    #expect(Self.sum([]).checksum == 0xffff)
    #expect(Self.sum([0xab]).sum == 0xab00)
    #expect(Self.sum([UInt8](repeating: 255, count: 65536)).sum == 0xffff)
  }

  @Test func `any bytes, from any start, in any parts, sum up as they do word by word`() {
    var random = SeededRandom("checksum")
    let content = random.bytes(70_000)
    for round in 0..<3000 {
      let start = Int.random(in: 0..<64, using: &random)
      let most = round % 100 == 0 ? 69_000 : 300
      let end = Int.random(in: start...start + most, using: &random)
      let first = Int.random(in: start...end, using: &random)
      let second = Int.random(in: first...end, using: &random)
      var sum = InternetChecksum()
      for part in [start..<first, first..<second, second..<end] { sum.add(content.span.extracting(part)) }
      let expected = InternetPacket.sum(content[start..<end])
      #expect(sum.sum == expected, "seed \(random.seed), \(start) \(first) \(second) \(end)")
    }
  }

  @Test func `a pseudo header counts as the bytes that it stands for`() {
    let addresses: [UInt8] = [10, 0, 0, 1, 10, 0, 0, 2]
    var sum = InternetChecksum()
    sum.addPseudoHeader(addresses: addresses.span, protocol: 6, byteCount: 0x12345)
    #expect(sum.sum == InternetPacket.sum(addresses + [0, 1, 0x23, 0x45, 0, 0, 0, 6]))
  }
}
