import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What a link tells of itself.
struct DescriptionTests {
  @Test func `a link over sockets tells its buffers and what waits in them`() throws {
    let pairs = try (0..<2).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
    let peer = RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: pairs[0][1])))
    let other = RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: pairs[1][1])))
    var fdOptions = FDOptions()
    fdOptions.socketReceiveBufferByteCount = 100_000
    fdOptions.socketSendBufferByteCount = 50_000
    let link = try FDEndpoint(
      takingOwnershipOf: pairs.map { $0[0] }, options: LinkOptions(mtu: 1400), fdOptions: fdOptions)
    let idle = link.describe()
    #expect(idle.deviceName == nil && idle.mtu == 1400 && idle.lifecycle == .idle)
    #expect(idle.descriptors.map(\.number) == pairs.map { $0[0] })
    for descriptor in idle.descriptors {
      #expect(descriptor.dispatchMode == .recvmmsg && descriptor.ring == nil && descriptor.fanoutGroup == nil)
      #expect(descriptor.receiveBufferByteCount == 200_000 && descriptor.sendBufferByteCount == 100_000)
      #expect(descriptor.unreadByteCount == 0 && descriptor.unsentByteCount == 0)
    }
    _ = peer.send(numbered(1))
    #expect(link.describe().descriptors[0].unreadByteCount == 64)
    let collector = try Collector()
    try link.attach(collector)
    #expect(collector.waits { $0.frames.count == 1 })
    var batch = PacketBatch(capacity: 1, pool: Flows.pool)
    batch.append { packet in
      packet.append(100) { $0[0] = 0x45 }
      packet.facts.flowHash = 3
    }
    try link.writeBatch(batch)
    let after = link.describe()
    #expect(after.lifecycle == .attached && after.descriptors[0].unreadByteCount == 0)
    #expect(after.descriptors[0].unsentByteCount == 0 && after.descriptors[1].unsentByteCount! >= 100)
    #expect("\(after)".contains("MTU 1400, attached\ndescriptor \(pairs[0][0]), by recvmmsg, receive buffer 200000"))
    #expect(other.receive()?.count == 100)
    link.close()
    try link.wait()
    #expect(link.describe().descriptors.isEmpty && link.describe().lifecycle == .closed(.requested))
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  func `a link with virtio-net headers tells what the kernel granted`() throws {
    let description = try TestNetwork.inNamespace {
      var device = DeviceOptions()
      device.hasVirtioNetHeader = true
      return try FDEndpoint.tun(name: "device", device: device).describe()
    }
    #expect(description.virtioNetHeaderByteCount == 10 && description.offloads == .checksum)
    #expect("\(description)".contains("idle, virtio-net headers of 10 bytes, offloads: checksums\n"))
  }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
  func `links over interfaces tell device, ring and fanout group`() throws {
    let (device, sockets, isDescribed) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let tun = try FDEndpoint.tun(name: "d%d")
      var (socket, fdOptions) = (PacketSocketOptions(), PacketSocketTests.Way.framewise.options)
      socket.socketCount = 2
      fdOptions.ring.blockCount = 4
      let link = try FDEndpoint.packet(
        interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions,
        socket: socket)
      let second = try FDEndpoint.packet(
        interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: fdOptions,
        socket: socket)
      let result = (tun.describe(), link.describe(), link.describe().descriptors[0].fanoutGroup)
      let others = second.describe().descriptors.map(\.fanoutGroup)
      for link in [tun, link, second] { link.close() }
      return (result.0, result.1, result.2 != others[0] && others[0] == others[1])
    }
    #expect(device.deviceName == "d0" && device.descriptors.count == 1)
    #expect(device.descriptors[0].dispatchMode == .readv && device.descriptors[0].receiveBufferByteCount == nil)
    #expect(sockets.descriptors.count == 2 && isDescribed)
    for descriptor in sockets.descriptors {
      #expect(descriptor.dispatchMode == .packetRing && descriptor.fanoutGroup == sockets.descriptors[0].fanoutGroup)
      #expect(descriptor.ring?.version == .framewise && descriptor.ring?.blockCount == 4)
      #expect(descriptor.ring?.blockByteCount == 1 << 17 && descriptor.ring?.frameByteCount == 2048)
    }
  }
}
