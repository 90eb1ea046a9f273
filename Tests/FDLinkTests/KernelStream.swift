import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport

/// Two kernels' worth of network: a device in each of two namespaces, with a link on each, and what comes out of the one is
/// written to the other. TCP or UDP runs between them.
final class KernelStream {
  struct Way: Sendable, CustomStringConvertible {
    /// What the near kernel is behind. The far one is behind a device always.
    enum Near: Equatable, Sendable {
      case device
      /// Opened by somebody else, with headers of this size.
      case adoptedDevice(headerByteCount: CInt)
      /// The other end of a packet socket's interface.
      case packetSocket(PacketSocketTests.Way)
    }

    var near = Near.device
    /// A link over sockets, without virtio-net headers, lies between the near kernel and the far one's device.
    var crossesPlainLink = false
    var isTAP = false
    var isIPv6 = false
    var options = LinkOptions()
    var fdOptions = FDOptions()
    var device = DeviceOptions()

    init(isTAP: Bool = false, isIPv6: Bool = false, segmentsByHost: Bool = true) {
      self.isTAP = isTAP
      self.isIPv6 = isIPv6
      device.hasVirtioNetHeader = true
      if segmentsByHost { options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535) }
      if isTAP { options.linkAddress = LinkAddress(2, 0, 0, 0, 0, 9) }
    }

    var description: String { "\(near), \(isTAP ? "TAP" : "TUN"), \(isIPv6 ? "IPv6" : "IPv4")" }

    func with(_ near: Near) -> Way {
      var way = self
      way.near = near
      return way
    }

    func address(_ host: UInt8, port: UInt16) -> InternetSocket.Address {
      InternetSocket.Address(
        isIPv6 ? [0xfd] + [UInt8](repeating: 0, count: 14) + [host] : [10, 9, 0, host], port: port)
    }

    /// In the namespace of the calling thread.
    func open(_ host: UInt8, _ near: Near = .device) throws -> FDEndpoint {
      let link = try makeLink(near)
      let address = address(host, port: 0).bytes
      if isIPv6 {
        try NetworkDevice.addAddress("device", ipv6: address, prefixLength: 64)
      } else {
        try NetworkDevice.setAddress("device", ipv4: address, prefixLength: 24)
      }
      try NetworkDevice.setUp("device")
      return link
    }

    private func makeLink(_ near: Near) throws -> FDEndpoint {
      switch near {
      case .device where isTAP:
        return try FDEndpoint.tap(name: "device", options: options, fdOptions: fdOptions, device: device)
      case .device: return try FDEndpoint.tun(name: "device", options: options, fdOptions: fdOptions, device: device)
      case .adoptedDevice(let headerByteCount):
        let file = try NetworkDevice.open(isTAP ? .tap : .tun, name: "device", hasVirtioNetHeader: true).take()
        try NetworkDevice.setVirtioNetHeader(file.number, byteCount: headerByteCount)
        return try FDEndpoint(takingOwnershipOf: file.release(), options: options)
      case .packetSocket(let way):
        try TestNetwork.makeInterfaces("left", "device")
        var socket = PacketSocketOptions()
        socket.hasVirtioNetHeader = device.hasVirtioNetHeader
        return try FDEndpoint.packet(interface: "left", options: options, fdOptions: way.options, socket: socket)
      }
    }
  }

  let near: FDEndpoint
  let far: FDEndpoint
  /// Between the near device and the relays, where there is a link without headers.
  private let bridge: LinkBridge?
  /// What the near kernel sent, and what the far one did.
  let forth: Relay
  let back: Relay
  let client: OwnedDescriptor
  let server: OwnedDescriptor

  /// `connect` and `accept` make the sockets of the two sides, each in its namespace; the near one when both links run.
  /// `farWay`: where the far side has options of its own.
  init(
    _ way: Way, far farWay: Way? = nil, serve: @escaping @Sendable () throws -> OwnedDescriptor,
    connect: @escaping @Sendable () throws -> OwnedDescriptor
  ) throws {
    forth = Relay(verifiesSums: way.crossesPlainLink)
    back = Relay(verifiesSums: way.crossesPlainLink)
    let (far, server) = try TestNetwork.inNamespace(hasIPv6: way.isIPv6) {
      let link = try (farWay ?? way).open(2)
      return (link, try serve().release())
    }
    self.far = far
    self.server = OwnedDescriptor(owning: server)
    let (near, bridge, client) = try TestNetwork.inNamespace(hasIPv6: way.isIPv6) { [forth, back] in
      let link = try way.open(1, way.near)
      let (bridge, end) = way.crossesPlainLink ? try Self.extend(link) : (nil, link)
      forth.target.withLock { $0 = far }
      back.target.withLock { $0 = end }
      try end.attach(forth)
      try far.attach(back)
      return (link, bridge, try connect().release())
    }
    self.near = near
    self.bridge = bridge
    self.client = OwnedDescriptor(owning: client)
  }

  /// Joins a link to one over sockets, which has no headers. Returns the far end of that.
  private static func extend(_ link: FDEndpoint) throws -> (LinkBridge?, FDEndpoint) {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    var options = LinkOptions(linkAddress: link.linkAddress)
    options.segmentation = SegmentationSupport(kind: .software, maxByteCount: 65535)
    let (near, far) = (
      try FDEndpoint(takingOwnershipOf: ends[0], options: options),
      try FDEndpoint(takingOwnershipOf: ends[1], options: options)
    )
    let bridge = LinkBridge(link, near)
    try bridge.start()
    return (bridge, far)
  }

  deinit {
    for relay in [forth, back] { relay.target.withLock { $0 = nil } }
    for link in [near, far] { link.close() }
    bridge?.close()
  }
}

/// Writes what one link delivers to another one, and keeps what it saw.
final class Relay: LinkDispatcher {
  struct Seen: Hashable, Sendable {
    var byteCount: Int
    var segmentation: PacketOffload.Segmentation
    var checksum: PacketOffload.Checksum
    var segmentByteCount: UInt16
    /// Of a TCP or UDP packet whose checksums are verified here.
    var hasWrongSums = false
  }
  let target = Lock<FDEndpoint?>(nil)
  private let record = Lock<[Seen]>([])
  var seen: [Seen] { record.withLock { $0.ownCopy } }
  private let verifiesSums: Bool

  init(verifiesSums: Bool) { self.verifiesSums = verifiesSums }

  func deliverPackets(_ packets: inout PacketBatch) {
    for index in 0..<packets.count {
      let one = packets.withPacket(index) { packet in
        let offload = packet.facts.offload
        return Seen(
          byteCount: packet.byteCount, segmentation: offload.segmentation, checksum: offload.checksum,
          segmentByteCount: offload.segmentByteCount, hasWrongSums: verifiesSums && Self.hasWrongSums(packet))
      }
      record.withLock { $0.append(one) }
    }
    guard let target = target.withLock({ $0 }) else { return }
    // What does not fit is sent again by TCP.
    do { _ = try target.writeBatch(packets) } catch {}
  }

  private static func hasWrongSums(_ packet: borrowing PacketBuffer) -> Bool {
    let bytes = packet.withBytes(bytes)
    guard bytes.count >= 40, [6, 17].contains(bytes[bytes[0] >> 4 == 6 ? 6 : 9]) else { return false }
    return InternetPacket(bytes, linkHeaderByteCount: 0) == nil
  }

  func linkHasRoom() {}
  func linkDidClose(_ reason: LinkCloseReason) {}
}
