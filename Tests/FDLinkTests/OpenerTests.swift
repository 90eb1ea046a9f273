import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Links that open their own descriptors.
struct OpenerTests {
  @Test(arguments: [SocketPairKind.seqpacket, .datagram])
  func `a socket pair is a link and a descriptor for another one`(_ kind: SocketPairKind) throws {
    let (a, descriptor) = try FDEndpoint.socketPair(kind)
    let b = try FDEndpoint(takingOwnershipOf: descriptor)
    let collector = try Collector()
    try a.attach(Collector())
    try b.attach(collector)
    #expect(try a.write(frames: [numbered(1)], pool: PacketPool(frameByteCount: 100, capacity: 64)) == 1)
    #expect(collector.waits { $0.frames == [numbered(1)] })
    a.close()
    b.close()
  }

  @Test func `addresses that are none are refused`() {
    let good = UDPAddress("127.0.0.1", port: 1)
    for (local, remote) in [
      (UDPAddress("localhost", port: 1), good), (good, UDPAddress("127.0.0", port: 1)),
      (good, UDPAddress("::1", port: 1)), (UDPAddress("", port: 1), good),
    ] {
      let error = #expect(throws: LinkError.self) { try FDEndpoint.udp(local: local, remote: remote) }
      #expect(error?.code == .invalidArgument)
    }
  }

  @Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  struct Privileged {
    @Test(arguments: ["127.0.0.1", "::1"])
    func `two UDP links talk to each other and hear nobody else`(_ host: String) throws {
      let frames = try TestNetwork.inNamespace(hasIPv6: true) {
        try NetworkDevice.setUp("lo")
        let (first, second) = (UDPAddress(host, port: 4001), UDPAddress(host, port: 4002))
        let a = try FDEndpoint.udp(local: first, remote: second)
        let b = try FDEndpoint.udp(local: second, remote: first)
        let stranger = try FDEndpoint.udp(local: UDPAddress(host, port: 4003), remote: second)
        let collector = try Collector()
        for link in [a, stranger] { try link.attach(Collector()) }
        try b.attach(collector)
        let pool = PacketPool(frameByteCount: 1500, capacity: 64)
        _ = try stranger.write(frames: [numbered(9)], pool: pool)
        let sent = (0..<50).map { numbered($0, byteCount: 1400) }
        _ = try a.write(frames: sent, pool: pool)
        try collector.need { $0.frames.count >= 50 }
        for link in [a, b, stranger] {
          link.close()
          try link.wait()
        }
        return collector.frames == sent
      }
      #expect(frames)
    }

    @Test func `a persistent device stays until it is told to go`() throws {
      let (mtus, isThere) = try TestNetwork.inNamespace {
        var device = DeviceOptions()
        device.isPersistent = true
        try FDEndpoint.tun(name: "stays", device: device).close()
        let before = try NetworkDevice.mtu(of: "stays")
        device.isPersistent = false
        try FDEndpoint.tun(name: "stays", device: device).close()
        do { return (before, try NetworkDevice.mtu(of: "stays") > 0) } catch { return (before, false) }
      }
      #expect(mtus == 1500 && !isThere)
    }

    @Test func `a device with several queues is several links`() throws {
      let outcome = try TestNetwork.inNamespace {
        var device = DeviceOptions()
        device.isMultiQueue = true
        let links = try (0..<3).map { _ in try FDEndpoint.tun(name: "many", device: device) }
        let refused: LinkError.Code?
        do throws(LinkError) {
          _ = try FDEndpoint.tun(name: "many")
          refused = nil
        } catch { refused = error.code }
        try NetworkDevice.setAddress("many", ipv4: [10, 9, 0, 1], prefixLength: 24)
        try NetworkDevice.setUp("many")
        let collectors = try links.map { _ in try Collector() }
        for (link, collector) in zip(links, collectors) { try link.attach(collector) }
        try DeviceTests.sendDatagrams(20)
        let came = try eventually { collectors.reduce(0) { $0 + $1.frames.count } >= 20 }
        for link in links { link.close() }
        return (links.map(\.deviceName), refused, came)
      }
      #expect(outcome.0 == ["many", "many", "many"] && outcome.1 == .invalidArgument && outcome.2)
    }

    @Test func `what cannot be opened says what is missing`() throws {
      let errors = try TestNetwork.inNamespace {
        try TestNetwork.makeInterfaces()
        try NetworkDevice.setUp("lo")
        let address = LinkAddress(2, 0, 0, 0, 0, 1)
        var ring = FDOptions()
        ring.dispatchMode = .packetRing
        var oddRing = ring
        oddRing.ring.blockByteCount = 5000
        let attempts: [() throws -> FDEndpoint] = [
          { try .packet(interface: "nobody", options: LinkOptions(linkAddress: address)) },
          { try .packet(interface: "left") },
          { try .packet(interface: "left", options: LinkOptions(linkAddress: address), fdOptions: oddRing) },
          {
            try .udp(local: UDPAddress("127.0.0.1", port: 1), remote: UDPAddress("127.0.0.1", port: 2), fdOptions: ring)
          },
        ]
        return attempts.map { attempt in
          do {
            _ = try attempt()
            return ""
          } catch { return "\(error)" }
        }
      }
      for (error, word) in zip(
        errors, ["no interface nobody", "set a link address", "power of two", "packet socket"])
      {
        #expect(error.contains(word), "\(error)")
      }
    }
  }
}
