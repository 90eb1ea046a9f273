import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What a link is made over, with the test at the raw other end: every medium with every way of receiving that it has, and
/// each framing that it can carry.
struct Wire: Sendable, CustomTestStringConvertible {
  typealias Way = PacketSocketTests.Way
  enum Medium: String, CaseIterable, Sendable { case seqpacket, datagram, udp, tun, tap, packet }

  var medium: Medium
  var way = Way.readv
  var isEthernet: Bool
  /// The largest packet that an interface of it carries.
  var interfaceMTU = 9000
  /// Offloads are handed on. Of devices and packet sockets.
  var hasVirtioNetHeader = false

  var testDescription: String {
    "\(medium.rawValue) \(isEthernet ? "Ethernet" : "IP") by \(way.rawValue)\(hasVirtioNetHeader ? ", virtio-net" : "")"
  }

  static let all: [Wire] = Medium.allCases.flatMap { medium in
    medium.framings.flatMap { isEthernet in
      medium.ways.map { Wire(medium: medium, way: $0, isEthernet: isEthernet) }
    }
  }

  /// Runs `body` with a link and the other end, then closes the link, whatever happened. In a network namespace of its own
  /// if it needs one: then on a thread of its own, where an expectation would not know its test.
  func run<R: Sendable>(
    _ options: LinkOptions = LinkOptions(), filtersAddresses: Bool = false,
    _ body: @escaping @Sendable (FDEndpoint, borrowing RawPeer) throws -> R
  ) throws -> R {
    var (options, fdOptions) = (options, way.options)
    if isEthernet { options.linkAddress = OddFrameTests.own }
    fdOptions.filtersAddresses = filtersAddresses
    if hasVirtioNetHeader { options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535) }
    let work = { @Sendable [options, fdOptions] in try run(options, fdOptions, body) }
    return try medium.needsDevices ? TestNetwork.inNamespace(work) : work()
  }

  private func run<R>(
    _ options: LinkOptions, _ fdOptions: FDOptions, _ body: (FDEndpoint, borrowing RawPeer) throws -> R
  ) throws -> R {
    let (link, number) = try open(options, fdOptions)
    let peer = RawPeer(socket: OwnedDescriptor(owning: number))
    defer {
      link.close()
      withExtendedLifetime(peer.socket.number) {}
    }
    try SocketFacts.setBuffers(of: number, receive: medium.needsDevices ? 1 << 26 : nil, send: nil)
    return try body(link, peer)
  }

  private func open(_ options: LinkOptions, _ fdOptions: FDOptions) throws -> (FDEndpoint, CInt) {
    switch medium {
    case .seqpacket, .datagram:
      return try FDEndpoint.socketPair(
        medium == .seqpacket ? .seqpacket : .datagram, options: options, fdOptions: fdOptions)
    case .udp:
      try NetworkDevice.setUp("lo")
      let ports: [UInt16] = [4001, 4002]
      let ends = ports.map { UDPAddress("127.0.0.1", port: $0) }
      let raw = ports.map { InternetSocket.Address([127, 0, 0, 1], port: $0) }
      let link = try FDEndpoint.udp(local: ends[0], remote: ends[1], options: options, fdOptions: fdOptions)
      return (link, try InternetSocket.datagram(from: raw[1], to: raw[0]).release())
    case .tun, .tap:
      var device = DeviceOptions()
      device.hasVirtioNetHeader = hasVirtioNetHeader
      let link =
        try medium == .tun
        ? FDEndpoint.tun(name: "wire", options: options, fdOptions: fdOptions, device: device)
        : FDEndpoint.tap(name: "wire", options: options, fdOptions: fdOptions, device: device)
      try NetworkDevice.setMTU("wire", interfaceMTU)
      try NetworkDevice.setTransmitQueueLength("wire", 10_000)
      try NetworkDevice.setUp("wire")
      return (link, try PacketSocket.open(interface: "wire").release())
    case .packet:
      try TestNetwork.makeInterfaces(mtu: interfaceMTU)
      var socket = PacketSocketOptions()
      socket.takesInterfaceMTU = false
      socket.hasVirtioNetHeader = hasVirtioNetHeader
      let link = try FDEndpoint.packet(interface: "left", options: options, fdOptions: fdOptions, socket: socket)
      return (link, try PacketSocket.open(interface: "right").release())
    }
  }
}

extension Wire.Medium {
  /// Root and /dev/net/tun.
  var needsDevices: Bool { self != .seqpacket && self != .datagram }

  var ways: [Wire.Way] {
    switch self {
    case .seqpacket, .datagram, .udp: [.readv, .recvmmsg]
    case .tun, .tap: [.readv]
    case .packet: Wire.Way.allCases
    }
  }

  /// Whether frames are Ethernet's. A socket carries either.
  var framings: [Bool] {
    switch self {
    case .seqpacket, .datagram, .udp: [false, true]
    case .tun: [false]
    case .tap, .packet: [true]
    }
  }
}
