import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Links that share an interface among several descriptors, each test in a network namespace of its own.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct SharedInterfaceTests {
  @Test(arguments: [1, 2, 4], PacketSocketTests.Way.allCases)
  func `packet sockets share the flows of an interface, each in order`(
    _ count: Int, _ way: PacketSocketTests.Way
  ) throws {
    let rounds = 200
    let (received, disorder, statistics, threads) = try TestNetwork.inNamespace {
      // What one processor sends another must not overtake.
      _ = ProcessControl.pin(toAllowedCPU: 0)
      try TestNetwork.makeInterfaces()
      var socket = PacketSocketOptions()
      socket.socketCount = count
      let links = try [("left", 1), ("right", 2)].map { name, last in
        try FDEndpoint.packet(
          interface: name, options: LinkOptions(linkAddress: LinkAddress(2, 0, 0, 0, 0, UInt8(last))),
          fdOptions: way.options, socket: socket)
      }
      let order = FlowOrder(isConcurrent: count == 4)
      let room = try Collector()
      try links[0].attach(order)
      try links[1].attach(room)
      // An interface does not push back: no more at a time than the smallest of the buffers holds.
      for start in stride(from: 0, to: rounds, by: 10) {
        try Flows.send(10, startingAt: start, over: links[1], room)
        guard try eventually({ order.count == (start + 10) * Flows.count }) else { break }
      }
      for link in links {
        link.close()
        try link.wait()
      }
      return (order.count, order.disorder, links[0].statistics.received, order.threadCount)
    }
    #expect(received == rounds * Flows.count && disorder == 0)
    #expect(statistics.offered == UInt64(rounds * Flows.count))
    #expect(count == 1 ? threads == 1 : threads > 1)
  }

  @Test(arguments: FanoutMode.allCases)
  func `every way of sharing brings each frame once`(_ mode: FanoutMode) throws {
    let frames = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      var (socket, fdOptions) = (PacketSocketOptions(), PacketSocketTests.Way.recvmmsg.options)
      socket.socketCount = 3
      fdOptions.fanout = mode
      let link = try FDEndpoint.packet(
        interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions,
        socket: socket)
      let collector = try Collector()
      try link.attach(collector)
      let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
      for number in 0..<100 { try peer.deliver(Flows.frame(number % Flows.count, number, ethernet: true)) }
      try collector.need { $0.frames.count >= 100 }
      link.close()
      try link.wait()
      return collector.frames
    }
    #expect(frames.count == 100 && Set(frames).count == 100)
  }

  @Test func `sockets in a group are taken as they are, and not put into another`() throws {
    let (code, frames) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let numbers = try (0..<2).map { _ in try PacketSocket.open(interface: "left", isMuted: true).release() }
      _ = try PacketFanout.join(numbers, .hash)
      for number in numbers { try PacketSocket.mute(number, false) }
      let options = LinkOptions(linkAddress: PacketSocketTests.own)
      var code: LinkError.Code?
      do throws(LinkError) { _ = try FDEndpoint(takingOwnershipOf: numbers, options: options) } catch {
        code = error.code
      }
      var fdOptions = FDOptions()
      fdOptions.fanout = nil
      let link = try FDEndpoint(takingOwnershipOf: numbers, options: options, fdOptions: fdOptions)
      let collector = try Collector()
      try link.attach(collector)
      let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
      for number in 0..<50 { try peer.deliver(Flows.frame(number, 0, ethernet: true)) }
      try collector.need { $0.frames.count >= 50 }
      link.close()
      try link.wait()
      return (code, collector.frames.count)
    }
    #expect(code == .system && frames == 50)
  }

  @Test(arguments: [1, 2, 4])
  func `the queues of a device are one link, and each flow stays in order`(_ count: Int) throws {
    let rounds = 100
    let (names, received, disorder, sent, refusal) = try TestNetwork.inNamespace {
      _ = ProcessControl.pin(toAllowedCPU: 0)
      var device = DeviceOptions()
      device.queueCount = count
      let link = try FDEndpoint.tun(name: "q%d", device: device)
      let name = try #require(link.deviceName)
      try NetworkDevice.setAddress(name, ipv4: [10, 9, 0, 1], prefixLength: 24)
      try NetworkDevice.setUp(name)
      try NetworkDevice.setTransmitQueueLength(name, 10_000)
      let order = FlowOrder(isConcurrent: true)
      try link.attach(order)
      let sockets = try (0..<8).map { _ in RawPeer.Box(RawPeer(socket: try connectedUDP(to: [10, 9, 0, 2], port: 9))) }
      for number in 0..<rounds {
        for socket in sockets { _ = socket.send((0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }) }
      }
      _ = try eventually { order.count == rounds * sockets.count }
      try Flows.send(10, over: link, try Collector())
      var refusal: LinkError.Code?
      do throws(LinkError) {
        device.queueCount = 0
        _ = try FDEndpoint.tun(name: "none", device: device)
      } catch { refusal = error.code }
      link.close()
      try link.wait()
      return (name, order.count, order.disorder, link.statistics.sent.packets, refusal)
    }
    #expect(names == "q0" && received == rounds * 8 && disorder == 0)
    #expect(sent == UInt64(10 * Flows.count) && refusal == .invalidArgument)
  }
}
