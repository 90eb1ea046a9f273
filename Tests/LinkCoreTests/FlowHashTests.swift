import LinkCore
import Testing

struct FlowHashTests {
  static let ethernet: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
  static let ethernet6: [UInt8] = Array(ethernet[..<12]) + [0x86, 0xdd]

  static func ipv4(_ last: UInt8 = 1, port: UInt8 = 9, fragment: UInt8 = 0, protocol: UInt8 = 17) -> [UInt8] {
    [0x45, 0, 0, 28, 0, 0, fragment, 0, 64, `protocol`, 0, 0, 10, 0, 0, 2, 10, 0, 0, last, 1, 0, 0, port, 0, 8, 0, 0]
  }

  static func ipv6(port: UInt8 = 9, last: UInt8 = 1, _ extensions: [(UInt8, [UInt8])] = []) -> [UInt8] {
    var packet: [UInt8] = [0x60, 0, 0, 0, 0, 8, extensions.first?.0 ?? 17, 64]
    packet += [UInt8](repeating: 0xfe, count: 31) + [last]
    for (index, part) in extensions.enumerated() {
      packet += [index + 1 < extensions.count ? extensions[index + 1].0 : 17] + part.1
    }
    return packet + [1, 0, 0, port, 0, 8, 0, 0]
  }

  static func hash(_ frame: [UInt8], _ headerLength: Int = 0) -> UInt32 {
    FlowHash.of(frame.span, headerLength: headerLength)
  }

  @Test func `address, port and protocol tell flows apart, other fields do not`() {
    let one = Self.hash(Self.ipv4())
    var later = Self.ipv4()
    (later[1], later[4], later[8], later[26]) = (8, 77, 3, 99)
    #expect(Self.hash(later) == one)
    for other in [Self.ipv4(2), Self.ipv4(port: 8), Self.ipv4(protocol: 6)] { #expect(Self.hash(other) != one) }
    let six = Self.hash(Self.ipv6())
    for other in [Self.ipv6(port: 8), Self.ipv6(last: 2)] { #expect(Self.hash(other) != six) }
  }

  @Test func `link headers and VLAN tags change nothing`() {
    let tagged = Array(Self.ethernet[..<12]) + [0x88, 0xa8, 0, 1, 0x81, 0, 0, 5, 8, 0]
    for packet in [Self.ipv4(), Self.ipv4(2)] {
      #expect(Self.hash(Self.ethernet + packet, 14) == Self.hash(packet))
      #expect(Self.hash(tagged + packet, 14) == Self.hash(packet))
    }
    #expect(Self.hash(Self.ethernet6 + Self.ipv6(), 14) == Self.hash(Self.ipv6()))
  }

  @Test func `all fragments hash by their addresses`() {
    let first = Self.hash(Self.ipv4(fragment: 0x20))
    #expect(Self.hash(Self.ipv4(port: 1, fragment: 0x20)) == first)
    #expect(Self.hash(Self.ipv4(port: 77, fragment: 1, protocol: 6)) == first)
    #expect(Self.hash(Self.ipv4(2, fragment: 1)) != first)
    let fragment: (UInt8, [UInt8]) = (44, [0, 0, 1, 0, 0, 0, 0])
    #expect(Self.hash(Self.ipv6([fragment])) == Self.hash(Self.ipv6(port: 77, [fragment])))
    #expect(Self.hash(Self.ipv6([fragment])) != Self.hash(Self.ipv6(last: 2, [fragment])))
  }

  @Test func `extension headers are stepped over`() {
    let options: (UInt8, [UInt8]) = (0, [0, 1, 4, 0, 0, 0, 0])
    let authentication: (UInt8, [UInt8]) = (51, [1] + [UInt8](repeating: 7, count: 10))
    #expect(Self.hash(Self.ipv6([options, authentication])) == Self.hash(Self.ipv6()))
    #expect(Self.hash(Self.ipv6(port: 8, [options, authentication])) == Self.hash(Self.ipv6(port: 8)))
  }

  @Test func `frames cut anywhere have a hash`() {
    let frames = [
      Self.ipv4(), Self.ipv6([(0, [0, 1, 4, 0, 0, 0, 0]), (51, [255, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])]),
      Self.ethernet + Self.ipv4(), Array(Self.ethernet[..<12]) + [0x81, 0, 0, 1, 0x81, 0, 0, 2, 0x81, 0],
    ]
    for frame in frames {
      for count in 0...frame.count {
        for headerLength in [0, 14] { _ = Self.hash(Array(frame[..<count]), headerLength) }
      }
    }
  }

  @Test func `many flows spread over few queues`() {
    for queueCount in [2, 3, 4, 7] {
      var counts = [Int](repeating: 0, count: queueCount)
      for flow in 0..<1000 {
        let packet = Self.ipv4(UInt8(flow >> 4 & 255), port: UInt8(flow & 255))
        counts[Int(Self.hash(packet) % UInt32(queueCount))] += 1
      }
      #expect(counts.allSatisfy { $0 > 700 / queueCount }, "\(counts)")
    }
  }

  @Test func `a hash that the packet brings wins`() {
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 100, capacity: 1))
    batch.append { packet in
      packet.append(28) { span in for (index, byte) in Self.ipv4().enumerated() { span[index] = byte } }
    }
    #expect(batch.withPacket(0) { $0.flowHash(headerLength: 0) } == Self.hash(Self.ipv4()))
    batch.modify(0) { $0.facts.flowHash = 7 }
    #expect(batch.withPacket(0) { $0.flowHash(headerLength: 0) } == 7)
  }
}
