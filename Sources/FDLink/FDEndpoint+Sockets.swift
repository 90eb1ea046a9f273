public import LinkCore
import LinkSystem

/// How a packet socket is opened.
public struct PacketSocketOptions: Sendable {
  /// The interface hands over frames for other stations too, as long as the link is open. `PACKET_MR_PROMISC`.
  public var isPromiscuous = false
  /// The link does not see what this host sends on the interface. `PACKET_IGNORE_OUTGOING`.
  public var ignoresOutgoing = true
  /// The link's MTU is that of the interface, whatever `LinkOptions.mtu` says. It is read once.
  public var takesInterfaceMTU = true
  /// How many sockets the link has: 1 to 256. They share the frames as `FDOptions.fanout` says.
  public var socketCount = 1
  /// A virtio-net header precedes each frame, with what is left to be done to it: see `DeviceOptions.hasVirtioNetHeader`. The
  /// kernel does for the interface what that cannot do itself. Received are the kinds of segmentation that the interface
  /// has, whatever `LinkOptions.offloads` says; without `LinkOptions.segmentation` by the `host` they are dropped as `oversize`. `PACKET_VNET_HDR`.
  public var hasVirtioNetHeader = false

  public init() {}
}

/// An address of UDP.
public struct UDPAddress: Hashable, Sendable {
  /// As numbers: `192.0.2.1`, `2001:db8::1`.
  public var host: String
  public var port: UInt16

  public init(_ host: String, port: UInt16) {
    self.host = host
    self.port = port
  }
}

/// The kinds of socket whose pairs a link can be made of.
public enum SocketPairKind: Sendable {
  /// A connection: each end notices when the other goes. `SOCK_SEQPACKET`.
  case seqpacket
  /// Without a connection: an end whose peer went learns of it when it sends. `SOCK_DGRAM`.
  case datagram
}

extension FDEndpoint {
  /// A link over the network interface `name`: it sends and receives what passes there, beside the host's own network
  /// stack. An interface with Ethernet frames needs `options.linkAddress`, one without must have none. `packet(7)`.
  ///
  /// VLAN tags that the kernel takes out of received frames are put back; they do not count for the MTU.
  ///
  /// Throws `system` when the kernel refuses, and says what is missing; `invalidArgument` for options that do not fit.
  public static func packet(
    interface name: String, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions(),
    socket: PacketSocketOptions = PacketSocketOptions()
  ) throws(LinkError) -> FDEndpoint {
    guard (1...256).contains(socket.socketCount) else {
      throw LinkError(.invalidArgument, "\(socket.socketCount) packet sockets: must be 1 to 256")
    }
    guard socket.socketCount == 1 || fdOptions.fanout != nil else {
      throw LinkError(
        .invalidArgument, "\(socket.socketCount) packet sockets without a fanout mode: each would bring every frame")
    }
    var (options, fdOptions) = (options, fdOptions)
    var numbers: [CInt] = []
    try fdOptions.multicast.validate()
    do {
      if socket.takesInterfaceMTU {
        let range = LinkOptions.mtuRange
        options.mtu = min(max(try NetworkDevice.mtu(of: name), range.lowerBound), range.upperBound)
      }
      for _ in 0..<socket.socketCount {
        // Until all are in the group, each would receive every frame.
        numbers.append(
          try PacketSocket.open(
            interface: name, isPromiscuous: socket.isPromiscuous, ignoresOutgoing: socket.ignoresOutgoing,
            multicast: fdOptions.multicast.memberships, isMuted: socket.socketCount > 1,
            hasVirtioNetHeader: socket.hasVirtioNetHeader
          ).release())
      }
    } catch {
      closeAll(numbers)
      throw explained(packetSocket: error, name)
    }
    if numbers.count > 1, let fanout = fdOptions.fanout.take() {
      do throws(LinkError) { try fanout.joinMuted(numbers) } catch {
        closeAll(numbers)
        throw error
      }
    }
    return try adopt(numbers, options, fdOptions)
  }

  /// A link over UDP: each packet is a datagram from `local` to `remote`, and none from elsewhere is received. A datagram
  /// carries up to 65507 bytes (IPv6: 65527); longer ones are dropped, and counted as `refused`. What comes to a full socket
  /// is lost unseen. `udp(7)`.
  ///
  /// Throws `invalidArgument` for addresses that are none, or not of one family; `system` when the kernel refuses.
  public static func udp(
    local: UDPAddress, remote: UDPAddress, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) -> FDEndpoint {
    let (from, to) = (try address(local), try address(remote))
    guard from.isIPv6 == to.isIPv6 else {
      throw LinkError(.invalidArgument, "UDP from \(local.host) to \(remote.host): one is IPv4, the other IPv6")
    }
    let descriptor: OwnedDescriptor
    do { descriptor = try InternetSocket.datagram(from: from, to: to) } catch {
      throw LinkError(error, "UDP from \(local.host) to \(remote.host)")
    }
    return try adopt([descriptor.release()], options, fdOptions)
  }

  /// A link over one end of a new socket pair, and the descriptor of the other end, which is the caller's: to make a second
  /// link of it, or to hand it to another process. `socketpair(2)`.
  public static func socketPair(
    _ kind: SocketPairKind = .seqpacket, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions()
  ) throws(LinkError) -> (link: FDEndpoint, peerDescriptor: Int32) {
    let pair: UnixSocket.Pair
    do { pair = try UnixSocket.pair(kind == .seqpacket ? .seqpacket : .datagram) } catch { throw LinkError(error) }
    let ends = pair.takeBoth()
    let peer = OwnedDescriptor(owning: ends[1])
    return (try adopt([ends[0]], options, fdOptions), peer.release())
  }

  private static func address(_ address: UDPAddress) throws(LinkError) -> InternetSocket.Address {
    guard let result = InternetSocket.Address(address.host, port: address.port) else {
      throw LinkError(.invalidArgument, "\"\(address.host)\" is no IP address: names of hosts are not looked up")
    }
    return result
  }

  private static func explained(packetSocket error: SystemError, _ name: String) -> LinkError {
    switch DeviceRefusal(error) {
    case .permission:
      LinkError(error, "a packet socket on \(name) needs root or CAP_NET_RAW in the network namespace")
    case .noDriver: LinkError(error, "there is no interface \(name)")
    case .badName: LinkError(error, "interface \(name): a name has 1 to 15 bytes", code: .invalidArgument)
    case .busy, .other: LinkError(error, "packet socket on \(name)")
    }
  }
}
