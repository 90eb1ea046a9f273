import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What a link tells of itself and hands on, and what it does on old kernels.
struct SurfaceTests {
  @Test func `an injectable link hands its capabilities on`() throws {
    var options = LinkOptions()
    options.capabilities = [.saveRestore, .disconnectOK]
    try InjectionTests.withLink(options) { link, _, _ in
      #expect(link.capabilities == [.saveRestore, .disconnectOK])
    }
  }

  @Test func `a socket has no interface`() throws {
    try withLink { link, _ in #expect(link.interfaceIndex == nil) }
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  func `a link tells the index of its interface`() throws {
    let (told, real) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let options = LinkOptions(linkAddress: PacketSocketTests.own)
      let links = [
        try FDEndpoint.tun(name: "tun"), try FDEndpoint.tap(name: "tap", options: options),
        try FDEndpoint.packet(interface: "right", options: options),
      ]
      defer { for link in links { link.close() } }
      return (links.map(\.interfaceIndex), ["tun", "tap", "right"].map { NetworkDevice.index(of: $0) })
    }
    #expect(told == real && Set(told).count == 3 && !told.contains(nil))
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  func `packet sockets share an interface on kernels that number no groups`() throws {
    let (groups, frames) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      // The kernel's version stays unknown.
      let link = try ErrnoTests.failing([.uname], with: 0) {
        var (socket, fdOptions) = (PacketSocketOptions(), FDOptions())
        socket.socketCount = 3
        fdOptions.fanout = .loadBalance
        return try FDEndpoint.packet(
          interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions,
          socket: socket)
      }
      defer { link.close() }
      let groups = link.describe().descriptors.map(\.fanoutGroup)
      let collector = try Collector()
      try link.attach(collector)
      let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
      for number in 0..<90 { try peer.deliver(Flows.frame(number % Flows.count, number, ethernet: true)) }
      try collector.need { $0.frames.count >= 90 }
      return (groups, collector.frames)
    }
    #expect(groups.count == 3 && Set(groups).count == 1 && groups[0] != nil)
    #expect(frames.count == 90 && Set(frames).count == 90)
  }
}
