import CBaselines
import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport

/// What packets go over in a race: each side has one of its own.
enum Medium: String, CaseIterable {
  case seqpacket, datagram, packet, tun

  var needsRoot: Bool { self == .packet || self == .tun }
  var framing: cb_framing { self == .packet ? cb_ethernet : cb_ip }

  /// How many packets fit into its queues: a device keeps 500.
  static let depth = 256
  static let bufferByteCount = 4 << 20

  /// Both ends for a C loop; `far` is -1 where the far end is the kernel's network stack, which drops what comes.
  func openBaseline(far hasFarEnd: Bool) throws -> (near: CInt, far: CInt) {
    switch self {
    case .seqpacket, .datagram:
      let ends = try UnixSocket.pair(self == .seqpacket ? .seqpacket : .datagram).takeBoth()
      for index in 0..<2 { try Self.setBuffers(ends[index]) }
      return (ends[0], ends[1])
    case .packet:
      let near = try PacketSocket.open(interface: Wire.baseline.near)
      // As links have it: the kernel says beside each frame which VLAN tag it took out.
      try PacketSocket.enableAuxiliaryData(near.number)
      try Self.setBuffers(near.number)
      return (near.release(), hasFarEnd ? try Wire.baseline.openFarEnd() : -1)
    case .tun:
      let device = try NetworkDevice.open(.tun, name: "bench-base")
      try NetworkDevice.setUp("bench-base")
      let far = hasFarEnd ? try PacketSocket.open(interface: "bench-base").release() : -1
      return (device.take().release(), far)
    }
  }

  /// The same with a link at the near end, which its caller drives unless it is told otherwise.
  func openLink(
    far hasFarEnd: Bool, _ fdOptions: FDOptions = FDOptions(), _ drive: LinkOptions.Drive = .caller
  ) throws -> (link: FDEndpoint, far: CInt) {
    var options = LinkOptions()
    options.drive = drive
    var fdOptions = fdOptions
    if self != .tun {
      fdOptions.socketReceiveBufferByteCount = Self.bufferByteCount
      fdOptions.socketSendBufferByteCount = Self.bufferByteCount
    }
    switch self {
    case .seqpacket, .datagram:
      let kind: SocketPairKind = self == .seqpacket ? .seqpacket : .datagram
      let (link, far) = try FDEndpoint.socketPair(kind, options: options, fdOptions: fdOptions)
      try Self.setBuffers(far)
      return (link, far)
    case .packet:
      options.linkAddress = LinkAddress(2, 0, 0, 0, 0, 9)
      let link = try FDEndpoint.packet(interface: Wire.ours.near, options: options, fdOptions: fdOptions)
      return (link, hasFarEnd ? try Wire.ours.openFarEnd() : -1)
    case .tun:
      let link = try FDEndpoint.tun(name: "bench-ours", options: options, fdOptions: fdOptions)
      try NetworkDevice.setUp("bench-ours")
      return (link, hasFarEnd ? try PacketSocket.open(interface: "bench-ours").release() : -1)
    }
  }

  private static func setBuffers(_ descriptor: CInt) throws {
    try SocketFacts.setBuffers(of: descriptor, receive: bufferByteCount, send: bufferByteCount)
  }

  static func close(_ descriptors: CInt...) {
    for descriptor in descriptors where descriptor >= 0 { _ = OwnedDescriptor(owning: descriptor) }
  }
}

/// Two Ethernet interfaces, of which one is fed: the sides have a wire each, so that neither sees what is the other's.
struct Wire {
  var near: String
  var far: String

  static let baseline = Wire(near: "base-near", far: "base-far")
  static let ours = Wire(near: "ours-near", far: "ours-far")

  /// In the network namespace of the calling thread.
  static func make() throws {
    for wire in [baseline, ours] { try TestNetwork.makeInterfaces(wire.near, wire.far) }
  }

  func openFarEnd() throws -> CInt {
    let socket = try PacketSocket.open(interface: far)
    cb_bypass_queue(socket.number)
    return socket.release()
  }
}
