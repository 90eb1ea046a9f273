import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport

/// The life of an FDLink of each kind, on threads that may make the published system calls only.
enum FilteredLink: String, CaseIterable, Sendable {
  case unixReads, unixMessages, injectable, udp, tun, tap, packetReads, packetMessages, fanout, framewise, blockwise

  private var user: FDLinkUser {
    switch self {
    case .unixReads: .readv
    case .unixMessages: .recvmmsg
    case .injectable: .injectable
    case .udp: .udp
    case .tun: .tun
    case .tap: .tap
    case .packetReads, .packetMessages, .fanout: .packet
    case .framewise, .blockwise: .ring
    }
  }

  var needsPrivileges: Bool { ![.unixReads, .unixMessages, .injectable].contains(self) }
  private var hasInterface: Bool { needsPrivileges && self != .udp }
  private var isEthernet: Bool { hasInterface && self != .tun }
  private static let own = PacketSocketTests.own
  private static let addresses = [UDPAddress("127.0.0.1", port: 4001), UDPAddress("127.0.0.1", port: 4002)]

  private var fdOptions: FDOptions {
    var options = FDOptions()
    switch self {
    case .unixReads, .packetReads: options.dispatchMode = .readv
    case .framewise, .blockwise:
      options.dispatchMode = .packetRing
      options.ring.version = self == .framewise ? .framewise : .blockwise
    default: break
    }
    // Devices have none.
    if self != .tun, self != .tap {
      options.socketReceiveBufferByteCount = 1 << 18
      options.socketSendBufferByteCount = 1 << 16
    }
    return options
  }

  /// Opens the link; for a socket pair the other end too.
  private func open() throws -> (link: any LinkEndpoint, peer: RawPeer.Box?) {
    let options = isEthernet ? LinkOptions(linkAddress: Self.own) : LinkOptions()
    var socket = PacketSocketOptions()
    socket.isPromiscuous = true
    socket.hasVirtioNetHeader = self == .packetReads
    switch self {
    case .unixReads, .unixMessages:
      let (link, peer) = try FDEndpoint.socketPair(options: options, fdOptions: fdOptions)
      return (link, RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: peer))))
    case .injectable:
      let ends = try UnixSocket.pair(.seqpacket).takeBoth()
      let peer = RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: ends[1])))
      return (try InjectableEndpoint(takingOwnershipOf: ends[0], options: options, fdOptions: fdOptions), peer)
    case .udp:
      return (
        try FDEndpoint.udp(local: Self.addresses[0], remote: Self.addresses[1], options: options, fdOptions: fdOptions),
        nil
      )
    case .tun:
      var device = DeviceOptions()
      device.isPersistent = false
      return (try FDEndpoint.tun(name: "left", options: options, fdOptions: fdOptions, device: device), nil)
    case .tap:
      var device = DeviceOptions()
      device.hasVirtioNetHeader = true
      return (try FDEndpoint.tap(name: "left", options: options, fdOptions: fdOptions, device: device), nil)
    case .fanout:
      socket.socketCount = 2
      fallthrough
    case .packetReads, .packetMessages, .framewise, .blockwise:
      return (
        try FDEndpoint.packet(interface: "left", options: options, fdOptions: fdOptions, socket: socket), nil
      )
    }
  }

  private func frame(_ number: Int) -> [UInt8] {
    isEthernet ? OddFrameTests.ethernet(to: Self.own, byteCount: 60 + number) : numbered(number)
  }

  /// In a network namespace of its own, where it needs one.
  func live() throws {
    let setup = [CallLists.fdSetup, CallLists.runtime].flatMap { $0.rules(of: user.name) }
    let life = [CallLists.fdDataPath, CallLists.fdTeardown, CallLists.runtime].flatMap { $0.rules(of: user.name) }
    let body = { @Sendable in
      if self == .udp { try NetworkDevice.setUp("lo") }
      if self.user == .packet || self.user == .ring { try TestNetwork.makeInterfaces() }
      try FilteredLife.run(setup: setup, life: life, open: { try self.open() }) { opened, outside in
        try self.run(opened.link, opened.peer, outside)
      }
    }
    if needsPrivileges { try TestNetwork.inNamespace(body) } else { try body() }
  }

  private func makePeer() throws -> RawPeer.Box {
    switch self {
    case .udp:
      let to = InternetSocket.Address([127, 0, 0, 1], port: 4001)
      let from = InternetSocket.Address([127, 0, 0, 1], port: 4002)
      return RawPeer.Box(RawPeer(socket: try InternetSocket.datagram(from: from, to: to)))
    case .tun, .tap:
      try NetworkDevice.setUp("left")
      return RawPeer.Box(RawPeer(socket: try PacketSocket.open(interface: "left")))
    default: return RawPeer.Box(RawPeer(socket: try PacketSocket.open(interface: "right")))
    }
  }

  // MARK: Under the filter

  private func run(_ link: any LinkEndpoint, _ given: RawPeer.Box?, _ outside: Outside) throws {
    var peer: RawPeer.Box?
    if let given { peer = given } else { peer = try outside { try self.makePeer() } }
    let pool = PacketPool(frameByteCount: 1514, capacity: 64)
    let collector = try outside { try Collector() }
    try link.attach(collector)
    try exchange(link, collector, peer!, outside, pool)
    if given != nil { try fill(link, collector, peer!, outside, pool) }
    if hasInterface { try goDownAndUp(link, collector, peer!, outside, pool) }
    if self == .udp { try meetRefusal(link, &peer, outside, pool) }
    link.detach()
    try link.attach(collector)
    // How it ends: the peer goes, the device does, or its owner closes it.
    if let given {
      try outside { given.shutDown() }
    } else if hasInterface, self != .packetReads {
      try outside { try NetworkDevice.delete("left") }
    } else {
      link.close()
    }
    try collector.need { !$0.closings.isEmpty }
    try link.wait()
  }

  private func exchange(
    _ link: any LinkEndpoint, _ collector: Collector, _ peer: RawPeer.Box, _ outside: Outside, _ pool: PacketPool
  ) throws {
    for number in 0..<50 {
      let frame = frame(number)
      try outside { try peer.deliver(frame) }
    }
    if let link = link as? InjectableEndpoint {
      var batch = InjectionTests.batch((0..<50).map(frame))
      try link.inject(&batch)
    }
    try collector.need { $0.frames.count >= 50 }
    // One alone, and many at a time.
    for count in [1, 32] {
      let frames = (0..<count).map(frame)
      let taken = try link.write(frames: frames, pool: pool)
      if taken != count { throw DidNotHappen(description: "\(taken) of \(count) taken") }
      for frame in frames {
        let came = try outside { () -> [UInt8]? in
          var came = try peer.waitToReceive()
          // The kernel's own traffic on the device.
          while let other = came, other != frame, self.hasInterface { came = try peer.waitToReceive() }
          return came
        }
        if came != frame { throw DidNotHappen(description: "a frame did not arrive") }
      }
    }
  }

  private func fill(
    _ link: any LinkEndpoint, _ collector: Collector, _ peer: RawPeer.Box, _ outside: Outside, _ pool: PacketPool
  ) throws {
    let frames = (0..<32).map(frame)
    while try link.write(frames: frames, pool: pool) == 32 {}
    try outside { while peer.receive() != nil {} }
    try collector.need { $0.roomCalls > 0 }
    _ = try link.write(frames: frames, pool: pool)
    try outside { while peer.receive() != nil {} }
  }

  private func goDownAndUp(
    _ link: any LinkEndpoint, _ collector: Collector, _ peer: RawPeer.Box, _ outside: Outside, _ pool: PacketPool
  ) throws {
    let frame = frame(7)
    try outside { try NetworkDevice.setUp("left", false) }
    _ = try link.write(frames: [frame], pool: pool)
    try outside { try NetworkDevice.setUp("left") }
    let before = collector.frames.count
    let came = try outside {
      try eventually {
        // Down and up, the peer's socket may have an error to report.
        _ = peer.send(frame)
        return collector.frames.count > before
      }
    }
    if !came { throw DidNotHappen(description: "nothing arrived after the interface was up again") }
  }

  /// Nobody listens: the answer is an error of the socket.
  private func meetRefusal(
    _ link: any LinkEndpoint, _ peer: inout RawPeer.Box?, _ outside: Outside, _ pool: PacketPool
  ) throws {
    let box = Lock(peer)
    peer = nil
    try outside { box.withLock { $0 = nil } }
    _ = try link.write(frames: [frame(1)], pool: pool)
    let isCounted = try outside { try eventually { link.statistics.received[.refused] > 0 } }
    if !isCounted { throw DidNotHappen(description: "a refusal was not counted") }
  }
}
