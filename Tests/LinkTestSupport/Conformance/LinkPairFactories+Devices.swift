import FDLink
import LinkCore
import LinkSystem

/// Links over interfaces, each pair in a network namespace of its own. They need root and /dev/net/tun.
extension LinkPairFactory {
  package static let devices: [LinkPairFactory] =
    [udp, device(.tun), device(.tap), device(.tun, hasVirtioNetHeader: true), device(.tap, hasVirtioNetHeader: true)]
    + [
      packets("virtio-net") { $0.dispatchMode = .automatic },
      packets("virtio-net, ring, framewise", mtu: 16_000) {
        $0.dispatchMode = .packetRing
        $0.ring.blockCount = 384
      },
      packets("virtio-net, ring, blockwise") {
        $0.dispatchMode = .packetRing
        $0.ring.version = .blockwise
      },
      packets("readv") { $0.dispatchMode = .readv }, packets("recvmmsg") { $0.dispatchMode = .recvmmsg },
      // Each place of the ring holds the largest frame.
      packets("ring, framewise", mtu: 16_000) {
        $0.dispatchMode = .packetRing
        $0.ring.blockCount = 384
      },
      packets("ring, blockwise") {
        $0.dispatchMode = .packetRing
        $0.ring.version = .blockwise
      },
    ]

  /// Over several descriptors: queues of a device, packet sockets in a fanout group.
  package static let severalOnInterfaces = [
    device(.tun, count: 2), packets("recvmmsg", count: 2) { $0.dispatchMode = .recvmmsg },
  ]

  private static func of(_ count: Int) -> String { count == 1 ? "" : ", \(count) of them" }

  private typealias Pair = (any LinkEndpoint, any LinkEndpoint)

  /// Room for all that a test sends at once: these media have no back-pressure.
  private static var roomy: FDOptions {
    var options = FDOptions()
    options.socketReceiveBufferByteCount = 1 << 26
    options.ring.blockCount = 128
    return options
  }

  /// The links' MTUs are what the options say; interfaces carry all that they can.
  private static func sockets(_ count: Int) -> PacketSocketOptions {
    var options = PacketSocketOptions()
    options.takesInterfaceMTU = false
    options.socketCount = count
    return options
  }

  private static let udp = LinkPairFactory(
    name: "UDP", isEthernet: false, traits: [.anyByte, .anyLength, .oneDescriptor], largestMTU: 65507
  ) {
    first, second in
    try inNamespace {
      try NetworkDevice.setUp("lo")
      let addresses = [UDPAddress("127.0.0.1", port: 4001), UDPAddress("127.0.0.1", port: 4002)]
      let a = try FDEndpoint.udp(local: addresses[0], remote: addresses[1], options: first, fdOptions: roomy)
      return (a, try FDEndpoint.udp(local: addresses[1], remote: addresses[0], options: second, fdOptions: roomy))
    }
  }

  private static func device(
    _ kind: NetworkDevice.Kind, hasVirtioNetHeader: Bool = false, count: Int = 1
  ) -> LinkPairFactory {
    let isEthernet = kind == .tap
    let mtu = isEthernet ? 65521 : 65535
    let traits: Traits = count == 1 ? .oneDescriptor : []
    return LinkPairFactory(
      name: "\(isEthernet ? "TAP" : "TUN")\(hasVirtioNetHeader ? ", virtio-net" : "")\(of(count))",
      isEthernet: isEthernet, traits: isEthernet ? traits.union(.anyByte) : traits, largestMTU: mtu
    ) { first, second in
      var device = DeviceOptions()
      device.hasVirtioNetHeader = hasVirtioNetHeader
      device.queueCount = count
      let options = device
      return try inNamespace {
        let a =
          isEthernet
          ? try FDEndpoint.tap(name: "device", options: first, device: options)
          : try FDEndpoint.tun(name: "device", options: first, device: options)
        return (a, try behindDevice(second, mtu: mtu, count: count))
      }
    }
  }

  /// What a device carries meets a packet socket on its interface.
  private static func behindDevice(_ options: LinkOptions, mtu: Int, count: Int) throws -> FDEndpoint {
    try NetworkDevice.setMTU("device", mtu)
    try NetworkDevice.setTransmitQueueLength("device", 10_000)
    try NetworkDevice.setUp("device")
    return try FDEndpoint.packet(interface: "device", options: options, fdOptions: roomy, socket: sockets(count))
  }

  private static func packets(
    _ name: String, mtu: Int = 65535, count: Int = 1, _ change: @escaping @Sendable (inout FDOptions) -> Void
  ) -> LinkPairFactory {
    LinkPairFactory(
      name: "packet sockets, \(name)\(of(count))", isEthernet: true,
      traits: count == 1 ? [.anyByte, .oneDescriptor] : .anyByte, largestMTU: mtu
    ) { first, second in
      var (fdOptions, socket) = (roomy, sockets(count))
      change(&fdOptions)
      socket.hasVirtioNetHeader = name.hasPrefix("virtio-net")
      return try inNamespace { [fdOptions, socket] in
        try TestNetwork.makeInterfaces(mtu: mtu)
        let a = try FDEndpoint.packet(interface: "left", options: first, fdOptions: fdOptions, socket: socket)
        return (
          a, try FDEndpoint.packet(interface: "right", options: second, fdOptions: fdOptions, socket: socket)
        )
      }
    }
  }

  private static func inNamespace(_ make: @escaping @Sendable () throws -> (FDEndpoint, FDEndpoint)) throws -> Pair {
    let (a, b) = try TestNetwork.inNamespace(make)
    return (a, b)
  }
}
