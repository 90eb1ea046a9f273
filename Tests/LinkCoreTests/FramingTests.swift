import LinkCore
import Testing

@Suite struct FramingTests {
  private let pool = PacketPool(chunkByteCount: 256, capacity: 2)
  private let own = LinkAddress(2, 0, 0, 0, 0, 1)
  private let other = LinkAddress(2, 0, 0, 0, 0, 2)

  @Test func `without an address there is no header, whatever is set`() throws {
    let framing = LinkFraming(address: nil)
    framing.linkAddress = own
    #expect(!framing.isEthernet && framing.linkAddress == nil && framing.headerLength == 0)
    #expect(framing.hardwareType == .none)
    var packet = pool.makePacket(headroom: 0)!
    try framing.addHeader(to: &packet)
    #expect(packet.frameByteCount == 0)
    let outcome1 = framing.parseHeader(of: &packet)
    #expect(!outcome1)
    packet.appendBytes([0x60])
    let outcome2 = framing.parseHeader(of: &packet)
    #expect(outcome2)
    #expect(packet.facts.networkProtocol == .ipv6)
  }

  @Test func `the address changes and does not go away`() {
    let framing = LinkFraming(address: own)
    framing.linkAddress = other
    #expect(framing.linkAddress == other)
    framing.linkAddress = nil
    #expect(framing.linkAddress == other)
    #expect(framing.headerLength == 14 && framing.hardwareType == .ethernet)
  }

  @Test func `a header is made from the facts, and else from what is known`() throws {
    let framing = LinkFraming(address: own)
    var packet = pool.makePacket()!
    packet.appendBytes([0x45, 1])
    try framing.addHeader(to: &packet)
    let plain = packet.withFrame { EthernetHeader($0) }
    #expect(plain == EthernetHeader(destination: .broadcast, source: own, type: .ipv4))
    #expect(packet.bytes == [0x45, 1])
    packet.reset()
    packet.facts.localAddress = LinkAddress(2, 5, 5, 5, 5, 5)
    packet.facts.remoteAddress = other
    packet.facts.networkProtocol = .arp
    packet.appendBytes([0x45, 1])
    try framing.addHeader(to: &packet)
    let routed = packet.withFrame { EthernetHeader($0) }
    #expect(routed == EthernetHeader(destination: other, source: LinkAddress(2, 5, 5, 5, 5, 5), type: .arp))
  }

  @Test func `a packet without room or with a header is refused as it was`() {
    let framing = LinkFraming(address: own)
    for headroom in 0..<14 {
      var packet = pool.makePacket(headroom: headroom)!
      packet.appendBytes([1])
      let code = failure(framing, &packet)
      #expect(code == .invalidArgument)
      #expect(packet.frame == [1])
    }
    var packet = pool.makePacket(headroom: 28)!
    let outcome3 = failure(framing, &packet)
    #expect(outcome3 == nil)
    let outcome4 = failure(framing, &packet)
    #expect(outcome4 == .invalidArgument)
    #expect(packet.frameByteCount == 14)
  }

  @Test func `a frame is parsed into its facts`() {
    let framing = LinkFraming(address: own)
    var packet = pool.makePacket()!
    packet.appendBytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0])
    let outcome5 = framing.parseHeader(of: &packet)
    #expect(outcome5)
    #expect(packet.byteCount == 0 && packet.linkHeaderLength == 14)
    #expect(packet.facts.localAddress == own && packet.facts.remoteAddress == other)
    #expect(packet.facts.networkProtocol == .ipv4)
    // Once more changes nothing.
    let outcome6 = framing.parseHeader(of: &packet)
    #expect(outcome6)
    #expect(packet.linkHeaderLength == 14)
    packet.reset()
    packet.append(13) { _ in }
    let outcome7 = framing.parseHeader(of: &packet)
    #expect(!outcome7)
    #expect(packet.linkHeaderLength == 0)
  }

  /// Headers of IP packets of 60 bytes that say another length, and what is left of them.
  private static let padded: [(front: [UInt8], left: Int)] = [
    ([0x45, 0, 0, 20], 20), ([0x45, 0, 0, 44], 44), ([0x45, 0, 0, 60], 60),
    // More than there is, less than a header, another version.
    ([0x45, 0, 0xff, 0xff], 60), ([0x45, 0, 0, 19], 60), ([0x15, 0, 0, 44], 60),
    ([0x60, 0, 0, 0, 0, 4], 44), ([0x60, 0, 0, 0, 0, 20], 60),
    // A jumbogram, and more than there is.
    ([0x60, 0, 0, 0, 0, 0], 60), ([0x60, 0, 0, 0, 0xff, 0xff], 60),
  ]

  @Test func `padding is cut off when asked, and nothing else`() {
    for trims in [false, true] {
      for isEthernet in [false, true] {
        let framing = LinkFraming(address: isEthernet ? own : nil, trimsPadding: trims)
        for (front, left) in Self.padded {
          var packet = pool.makePacket()!
          let type: [UInt8] = front[0] == 0x60 ? [0x86, 0xdd] : [8, 0]
          if isEthernet { packet.appendBytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2] + type) }
          packet.appendBytes(front + [UInt8](repeating: 7, count: 60 - front.count))
          let isGood = framing.parseHeader(of: &packet)
          #expect(isGood)
          #expect(packet.byteCount == (trims ? left : 60), "\(front), Ethernet: \(isEthernet)")
        }
        // Shorter than the header that it says it has.
        var runt = pool.makePacket()!
        runt.appendBytes((isEthernet ? [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0] : []) + [0x45, 0, 0, 1])
        let isGood = framing.parseHeader(of: &runt)
        #expect(isGood)
        #expect(runt.byteCount == 4)
      }
    }
  }

  @Test func `a frame behind a VLAN tag keeps its padding`() {
    let framing = LinkFraming(address: own, trimsPadding: true)
    var packet = pool.makePacket()!
    packet.appendBytes([2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 0x81, 0, 0, 5, 8, 0, 0x45, 0, 0, 20])
    packet.append(56) { _ in }
    let isGood = framing.parseHeader(of: &packet)
    #expect(isGood)
    #expect(packet.byteCount == 64)
  }

  private func failure(_ framing: LinkFraming, _ packet: inout PacketBuffer) -> LinkError.Code? {
    do {
      try framing.addHeader(to: &packet)
      return nil
    } catch { return error.code }
  }
}
