import LinkCore
import LinkTestSupport
import Testing

@Suite struct AddressTests {
  @Test func `an address is printed as it is parsed`() {
    let address = LinkAddress(0x02, 0x0a, 0xff, 0, 0x10, 1)
    #expect(address.description == "02:0a:ff:00:10:01")
    #expect(LinkAddress("02:0a:ff:00:10:01") == address)
    #expect(LinkAddress("02-0A-FF-00-10-01") == address)
    #expect((0..<6).map { address[$0] } == [0x02, 0x0a, 0xff, 0, 0x10, 1])
    var random = SeededRandom("addresses")
    for _ in 0..<200 {
      let b = random.bytes(6)
      let one = LinkAddress(b[0], b[1], b[2], b[3], b[4], b[5])
      #expect(LinkAddress(one.description) == one)
      #expect((0..<6).map { one[$0] } == b)
    }
  }

  @Test(arguments: [
    "", "02", "02:00:00:00:00", "02:00:00:00:00:01:02", "02:00:00:00:00:1", "02:00:00:00:00:001", "02:00:00:00:00:0g",
    "02:00:00:00:00:+1", "02:00:00:00:00:-1", ":02:00:00:00:00:01", "02:00:00:00:00:01:", "02::00:00:00:01",
    "02:00:00:00-00:01", "02 00 00 00 00 01", "02:00:00:00:00:０１", "0200.0000.0001", "02:00:00:00:00:\u{301}1",
  ])
  func `anything else is no address`(text: String) { #expect(LinkAddress(text) == nil) }

  @Test func `broadcast and groups are multicast`() {
    #expect(LinkAddress.broadcast.description == "ff:ff:ff:ff:ff:ff")
    #expect(LinkAddress.broadcast.isMulticast)
    #expect(LinkAddress(1, 0, 0x5e, 0, 0, 1).isMulticast)
    #expect(!LinkAddress(2, 0, 0, 0, 0, 1).isMulticast)
  }

  @Test func `a header survives the way to bytes and back`() {
    let header = EthernetHeader(
      destination: LinkAddress(1, 2, 3, 4, 5, 6), source: LinkAddress(7, 8, 9, 10, 11, 12), type: .ipv6)
    var bytes = [UInt8](repeating: 0xee, count: 16)
    var span = bytes.mutableSpan
    header.write(to: &span)
    #expect(bytes == [1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0x86, 0xdd, 0xee, 0xee])
    #expect(EthernetHeader(bytes.span) == header)
    let exact = Array(bytes[..<14])
    #expect(EthernetHeader(exact.span) == header)
  }

  @Test func `a header needs 14 bytes`() async {
    for count in 0..<14 {
      let bytes = [UInt8](repeating: 0, count: count)
      #expect(EthernetHeader(bytes.span) == nil)
    }
    await #expect(processExitsWith: .failure) {
      var bytes = [UInt8](repeating: 0, count: 13)
      var span = bytes.mutableSpan
      EthernetHeader(destination: .broadcast, source: .broadcast, type: .arp).write(to: &span)
    }
  }

  @Test func `the version of a packet tells its protocol`() {
    for byte in UInt8.min...UInt8.max {
      let expected: EtherType = byte >> 4 == 4 ? .ipv4 : byte >> 4 == 6 ? .ipv6 : .unknown
      #expect(EtherType(ofIPPacketStartingWith: byte) == expected)
    }
  }
}
