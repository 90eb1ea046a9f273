import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Real devices, each test in a network namespace of its own.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct DeviceTests {
  /// An IPv4 packet of protocol 253 (experiments), which the kernel's stack takes and forgets.
  static let packet: [UInt8] = [0x45, 0, 0, 20, 0, 0, 0, 0, 64, 253, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]

  /// Sends UDP datagrams to an address behind the device.
  static func sendDatagrams(_ count: Int) throws {
    let peer = RawPeer(socket: try connectedUDP(to: [10, 9, 0, 2], port: 9))
    for _ in 0..<count { _ = peer.send([1, 2, 3]) }
  }

  @Test func `a TUN device carries packets and survives going down`() throws {
    struct Facts: Sendable {
      var first = false, again = false, name: String?, downDrops: UInt64 = 0, refused: UInt64 = 0
      var sent = LinkTally(), closings: [LinkCloseReason] = []
    }
    let facts = try TestNetwork.inNamespace {
      var facts = Facts()
      let link = try FDEndpoint.tun(name: "t%d")
      facts.name = link.deviceName
      let name = try #require(link.deviceName)
      try NetworkDevice.setAddress(name, ipv4: [10, 9, 0, 1], prefixLength: 24)
      try NetworkDevice.setUp(name)
      let collector = try Collector()
      try link.attach(collector)
      try Self.sendDatagrams(3)
      facts.first = collector.waits { $0.frames.filter(isUDP).count == 3 }
      let pool = PacketPool(frameByteCount: 1500, capacity: 64)
      _ = try link.write(frames: [Self.packet, [UInt8](repeating: 0xff, count: 40)], pool: pool)
      facts.refused = link.statistics.sent[.refused]
      try NetworkDevice.setUp(name, false)
      _ = try link.write(frames: [Self.packet, Self.packet], pool: pool)
      facts.downDrops = link.statistics.sent[.linkDown]
      try NetworkDevice.setUp(name)
      try Self.sendDatagrams(2)
      facts.again = collector.waits { $0.frames.filter(isUDP).count == 5 }
      _ = try link.write(frames: [Self.packet], pool: pool)
      facts.sent = link.statistics.sent
      link.close()
      try link.wait()
      facts.closings = collector.now.closings
      return facts
    }
    #expect(facts.name == "t0" && facts.first && facts.again)
    #expect(facts.refused == 1 && facts.downDrops == 2)
    #expect(facts.sent.packets == 2 && facts.sent.offered == 5)
    #expect(facts.closings == [.requested])
  }

  @Test func `a TAP device carries Ethernet frames`() throws {
    let own = LinkAddress(2, 0, 0, 0, 0, 2)
    let (gotRequest, statistics) = try TestNetwork.inNamespace {
      let link = try FDEndpoint.tap(name: "tap-test", options: LinkOptions(linkAddress: own))
      try NetworkDevice.setAddress("tap-test", ipv4: [10, 9, 0, 1], prefixLength: 24)
      try NetworkDevice.setUp("tap-test")
      let collector = try Collector()
      try link.attach(collector)
      // Nobody answers, so the kernel asks for the address: a broadcast frame with an ARP request.
      try Self.sendDatagrams(1)
      let gotRequest = collector.waits { state in
        state.frames.contains { Array($0[..<6]) == [UInt8](repeating: 0xff, count: 6) && $0[12...13] == [8, 6] }
      }
      let pool = PacketPool(frameByteCount: 1514, capacity: 64)
      let frame = [UInt8](repeating: 0xff, count: 6) + [2, 0, 0, 0, 0, 2, 8, 0] + Self.packet
      _ = try link.write(frames: [frame], pool: pool)
      link.close()
      try link.wait()
      return (gotRequest, link.statistics)
    }
    #expect(gotRequest)
    #expect(statistics.sent.packets == 1 && statistics.sent.offered == 1)
  }

  @Test func `a deleted device ends the link with a failure`() throws {
    let closings = try TestNetwork.inNamespace {
      let link = try FDEndpoint.tun(name: "gone")
      try NetworkDevice.setUp("gone")
      let collector = try Collector()
      try link.attach(collector)
      try NetworkDevice.delete("gone")
      _ = collector.waits { !$0.closings.isEmpty }
      try link.wait()
      return collector.now.closings
    }
    guard closings.count == 1, case .failed(let error) = closings[0] else {
      Issue.record("ended with \(closings)")
      return
    }
    #expect(error.systemError != nil)
  }

  @Test func `a refused datagram is counted and the link goes on`() throws {
    let (events, steps, statistics) = try TestNetwork.inNamespace {
      try NetworkDevice.setUp("lo")
      let number = try connectedUDP(to: [127, 0, 0, 1], port: 9).release()
      var options = LinkOptions()
      options.drive = .caller
      let link = try FDEndpoint(takingOwnershipOf: number, options: options)
      try link.attach(Collector())
      // Nobody listens: the answer is an error of the socket.
      _ = try link.write(frames: [numbered(1)], pool: PacketPool(frameByteCount: 100, capacity: 64))
      let before = try poll(number, [], nanoseconds: 10_000_000_000)
      let steps = [link.step(), link.step()]
      let after = try poll(number, [], nanoseconds: 0)
      return ([before, after], steps, link.statistics)
    }
    #expect(events == [.error, []] && steps == [.idle, .idle])
    #expect(statistics.sent.packets == 1)
    #expect(statistics.received[.refused] == 1 && statistics.received.offered == 1)
  }

  @Test func `a report on the error queue is counted and the link sleeps on`() throws {
    let (statistics, frames) = try TestNetwork.inNamespace {
      try NetworkDevice.setUp("lo")
      let number = try connectedUDP(to: [127, 0, 0, 1], port: 9).release()
      reportErrors(number)
      let link = try FDEndpoint(takingOwnershipOf: number)
      let collector = try Collector()
      try link.attach(collector)
      // Nobody listens: the answer is an error of the socket, and a report.
      _ = try link.write(frames: [numbered(1)], pool: PacketPool(frameByteCount: 100, capacity: 64))
      _ = try eventually { link.statistics.received[.refused] == 2 }
      link.close()
      try link.wait()
      return (link.statistics, collector.frames)
    }
    #expect(statistics.received[.refused] == 2 && frames == [])
    #expect(statistics[.sleep] < 20)
  }

  @Test func `a device has no messages`() throws {
    let code = try TestNetwork.inNamespace {
      let device = try NetworkDevice.open(.tun, name: "t0").take()
      return refusal { () throws(LinkError) in
        try FDEndpoint(takingOwnershipOf: device.number, fdOptions: MessageBatchTests.options(.recvmmsg))
      }
    }
    #expect(code == .invalidArgument)
  }

  @Test func `framing must fit the device`() throws {
    let codes = try TestNetwork.inNamespace {
      let address = LinkAddress(2, 0, 0, 0, 0, 2)
      return [
        refusal { () throws(LinkError) in try FDEndpoint.tun(name: "a0", options: LinkOptions(linkAddress: address)) },
        refusal { () throws(LinkError) in try FDEndpoint.tap(name: "a1", options: LinkOptions()) },
        refusal { () throws(LinkError) in try FDEndpoint.tun(name: "a name that is too long") },
      ]
    }
    #expect(codes == [.invalidArgument, .invalidArgument, .invalidArgument])
  }
}

private func isUDP(_ frame: [UInt8]) -> Bool { frame.count >= 28 && frame[0] == 0x45 && frame[9] == 17 }

private func refusal(_ make: () throws(LinkError) -> FDEndpoint) -> LinkError.Code? {
  do throws(LinkError) { _ = try make() } catch { return error.code }
  return nil
}
