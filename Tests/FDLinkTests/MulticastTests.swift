import FDLink
import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Which frames a link takes for its own.
struct MulticastTests {
  private static let chosen = LinkAddress(1, 0, 0x5e, 1, 2, 3)
  private static let destinations = [
    PacketSocketTests.own, .broadcast, chosen, LinkAddress(1, 0, 0x5e, 1, 2, 4), LinkAddress(2, 0, 0, 0, 0, 7),
  ]

  /// What is to be let through of the destinations above.
  private static func expected(_ isFiltering: Bool, _ multicast: MulticastFilter) -> [Int] {
    guard isFiltering else { return [0, 1, 2, 3, 4] }
    return multicast == .all ? [0, 1, 2, 3] : [0, 1, 2]
  }

  private static func frames() -> [[UInt8]] {
    destinations.enumerated().map { OddFrameTests.ethernet(to: $1, byteCount: 60 + $0) }
  }

  /// The numbers of the frames that arrived, once a last one did.
  private static func passed(_ link: FDEndpoint, _ collector: Collector, send: ([UInt8]) throws -> Void) throws -> [Int]
  {
    for frame in frames() { try send(frame) }
    try send(OddFrameTests.ethernet(to: PacketSocketTests.own, byteCount: 100))
    try collector.need { $0.frames.last?.count == 100 }
    return collector.frames.dropLast().map { $0.count - 60 }
  }

  private static func memberships() throws -> String {
    let file = try #require(FileHandle(forReadingAtPath: "/proc/thread-self/net/dev_mcast"))
    return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self)
  }

  @Test(
    .enabled(if: canMakeDevices, "needs root and /dev/net/tun"), arguments: PacketSocketTests.Way.allCases,
    [false, true])
  func `a packet socket brings what is meant for it`(_ way: PacketSocketTests.Way, _ isPromiscuous: Bool) throws {
    for (isFiltering, multicast) in [
      (false, MulticastFilter.all), (true, .all), (true, .only([Self.chosen])), (false, .only([Self.chosen])),
    ] {
      let (passed, dropped, during, after) = try TestNetwork.inNamespace {
        try TestNetwork.makeInterfaces()
        var (fdOptions, socket) = (way.options, PacketSocketOptions())
        fdOptions.filtersAddresses = isFiltering
        fdOptions.multicast = multicast
        socket.isPromiscuous = isPromiscuous
        let link = try FDEndpoint.packet(
          interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions,
          socket: socket)
        let collector = try Collector()
        try link.attach(collector)
        let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
        let passed = try Self.passed(link, collector) { try peer.deliver($0) }
        let during = try Self.memberships().contains("01005e010203")
        link.close()
        try link.wait()
        return (
          passed, link.statistics.received[.misaddressed], during, try Self.memberships().contains("01005e010203")
        )
      }
      let expected = Self.expected(isFiltering, multicast)
      #expect(passed == expected && dropped == UInt64(5 - expected.count))
      // The interface was told, as long as the link was open.
      #expect(during == (multicast != .all) && !after)
    }
  }

  @Test(arguments: [DispatchMode.readv, .recvmmsg], [MulticastFilter.all, .only([chosen])])
  func `a Unix socket brings what is meant for it`(_ mode: DispatchMode, _ multicast: MulticastFilter) throws {
    var fdOptions = MessageBatchTests.options(mode)
    fdOptions.filtersAddresses = true
    fdOptions.multicast = multicast
    try withLink(.seqpacket, LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      let passed = try Self.passed(link, collector) { try peer.deliver($0) }
      #expect(passed == Self.expected(true, multicast))
    }
  }

  @Test func `an address of one interface is no multicast address`() throws {
    let pair = try UnixSocket.pair(.seqpacket)
    var fdOptions = FDOptions()
    fdOptions.multicast = .only([Self.chosen, PacketSocketTests.own])
    let error = #expect(throws: LinkError.self) {
      try FDEndpoint(takingOwnershipOf: pair.first.number, fdOptions: fdOptions)
    }
    #expect(error?.code == .invalidArgument && "\(error!)".contains("02:00:00:00:00:01"))
  }
}
