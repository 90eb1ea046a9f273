import CLinkShims
import Glibc
import LinkSystem

/// The ways of an FDLink whose calls differ.
package enum FDLinkUser: String, LinkUser, CaseIterable, Codable {
  case readv = "Unix readv"
  case recvmmsg = "Unix recvmmsg"
  case injectable = "injectable"
  case udp = "UDP"
  case tun = "TUN"
  case tap = "TAP"
  case packet = "packet recvmmsg"
  case ring = "packet ring"

  package var name: String { rawValue }
  fileprivate static let unix: [FDLinkUser] = [.readv, .recvmmsg, .injectable]
  fileprivate static let devices: [FDLinkUser] = [.tun, .tap]
  fileprivate static let packets: [FDLinkUser] = [.packet, .ring]
  fileprivate static let sockets: [FDLinkUser] = unix + [.udp] + packets
}

/// The published list of system calls.
package enum CallLists {
  package static let fdSetup = CallList(
    title: "FDLink: setup",
    summary: "Opening a descriptor, and making a link of it.",
    calls: [
      ListedCall("socketpair", SYS_socketpair, by: FDLinkUser.unix, "`FDEndpoint.socketPair`"),
      ListedCall(
        "socket", SYS_socket, "AF_INET", 0, AF_INET, by: [FDLinkUser.udp] + FDLinkUser.packets,
        "`FDEndpoint.udp`; the MTU of an interface"),
      ListedCall("socket", SYS_socket, "AF_INET6", 0, AF_INET6, by: [FDLinkUser.udp], "`FDEndpoint.udp`"),
      ListedCall("socket", SYS_socket, "AF_PACKET", 0, AF_PACKET, by: FDLinkUser.packets, "`FDEndpoint.packet`"),
      ListedCall(
        "socket", SYS_socket, "AF_UNIX", 0, AF_UNIX, by: FDLinkUser.devices + FDLinkUser.packets,
        "the index of an interface"),
      ListedCall("bind", SYS_bind, by: [FDLinkUser.udp] + FDLinkUser.packets, "the socket's address or interface"),
      ListedCall("connect", SYS_connect, by: [FDLinkUser.udp], "the other end's address"),
      ListedCall("openat", SYS_openat, "/dev/net/tun", by: FDLinkUser.devices, "`FDEndpoint.tun`, `FDEndpoint.tap`"),
      control("TUNSETIFF", LINK_TUNSETIFF, by: FDLinkUser.devices, "the device's name and kind"),
      control("TUNSETPERSIST", LINK_TUNSETPERSIST, by: FDLinkUser.devices, "`DeviceOptions.isPersistent`"),
      control("TUNGETIFF", LINK_TUNGETIFF, by: FDLinkUser.devices, "which device the descriptor is of"),
      control("TUNSETVNETHDRSZ", LINK_TUNSETVNETHDRSZ, by: FDLinkUser.devices, "virtio-net headers"),
      control("TUNGETVNETHDRSZ", LINK_TUNGETVNETHDRSZ, by: FDLinkUser.devices, "the same"),
      control("TUNSETVNETLE", LINK_TUNSETVNETLE, by: FDLinkUser.devices, "the same"),
      control("TUNSETOFFLOAD", LINK_TUNSETOFFLOAD, by: FDLinkUser.devices, "the same: what the device leaves undone"),
      control(
        "SIOCGIFINDEX", UInt(SIOCGIFINDEX), by: FDLinkUser.devices + FDLinkUser.packets, "the index of an interface"),
      control("SIOCGIFMTU", UInt(SIOCGIFMTU), by: FDLinkUser.packets, "the MTU of an interface"),
      control("SIOCGIFNAME", UInt(SIOCGIFNAME), by: [FDLinkUser.ring], "the interface of the socket"),
      ListedCall("getsockname", SYS_getsockname, by: FDLinkUser.packets, "the interface of the socket"),
      ListedCall("fstat", SYS_fstat, "what kind of file a descriptor is; or `newfstatat`, as the C library likes"),
      ListedCall("newfstatat", SYS_newfstatat, "the same"),
      ListedCall("fcntl", SYS_fcntl, "F_GETFL", 1, F_GETFL, "whether it is non-blocking"),
      ListedCall("fcntl", SYS_fcntl, "F_SETFL", 1, F_SETFL, "makes it so, if it is not"),
      ListedCall("fcntl", SYS_fcntl, "F_SETFD", 1, F_SETFD, "makes it close-on-exec"),
      get("SO_TYPE", SOL_SOCKET, SO_TYPE, by: FDLinkUser.sockets, "what kind of socket it is"),
      get("SO_ACCEPTCONN", SOL_SOCKET, SO_ACCEPTCONN, by: FDLinkUser.sockets, "whether it listens"),
      get("SO_DOMAIN", SOL_SOCKET, SO_DOMAIN, by: FDLinkUser.sockets, "its family"),
      set("SO_RCVBUFFORCE", SOL_SOCKET, SO_RCVBUFFORCE, by: FDLinkUser.sockets, "buffer sizes, where asked for"),
      set("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, by: FDLinkUser.sockets, "the same, without privileges"),
      set("SO_SNDBUFFORCE", SOL_SOCKET, SO_SNDBUFFORCE, by: FDLinkUser.sockets, "buffer sizes, where asked for"),
      set("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, by: FDLinkUser.sockets, "the same, without privileges"),
      set("PACKET_VNET_HDR", SOL_PACKET, PACKET_VNET_HDR, by: FDLinkUser.packets, "virtio-net headers"),
      get("PACKET_VNET_HDR_SZ", SOL_PACKET, LINK_PACKET_VNET_HDR_SZ, by: FDLinkUser.packets, "whether there are any"),
      get("PACKET_VNET_HDR", SOL_PACKET, PACKET_VNET_HDR, by: FDLinkUser.packets, "the same on older kernels"),
      set(
        "PACKET_IGNORE_OUTGOING", SOL_PACKET, PACKET_IGNORE_OUTGOING, by: FDLinkUser.packets,
        "`PacketSocketOptions.ignoresOutgoing`"),
      set(
        "PACKET_ADD_MEMBERSHIP", SOL_PACKET, PACKET_ADD_MEMBERSHIP, by: FDLinkUser.packets,
        "`PacketSocketOptions.isPromiscuous`, `FDOptions.multicast`"),
      set("PACKET_AUXDATA", SOL_PACKET, PACKET_AUXDATA, by: FDLinkUser.packets, "VLAN tags"),
      set("PACKET_VERSION", SOL_PACKET, PACKET_VERSION, by: [FDLinkUser.ring], "the ring"),
      set("PACKET_RX_RING", SOL_PACKET, PACKET_RX_RING, by: [FDLinkUser.ring], "the ring"),
      ListedCall("mmap", SYS_mmap, "MAP_SHARED", 3, MAP_SHARED, by: [FDLinkUser.ring], "the ring"),
      set(
        "SO_ATTACH_FILTER", SOL_SOCKET, SO_ATTACH_FILTER, by: FDLinkUser.packets,
        "several sockets: none receives until all are in their group"),
      set("SO_DETACH_FILTER", SOL_SOCKET, SO_DETACH_FILTER, by: FDLinkUser.packets, "the same"),
      set("PACKET_FANOUT", SOL_PACKET, PACKET_FANOUT, by: FDLinkUser.packets, "several sockets: the group"),
      get("PACKET_FANOUT", SOL_PACKET, PACKET_FANOUT, by: FDLinkUser.packets, "the group's number"),
      ListedCall("uname", SYS_uname, by: FDLinkUser.packets, "whether the kernel numbers such groups"),
      ListedCall("eventfd2", SYS_eventfd2, "the bell that wakes the link's thread"),
      ListedCall("close", SYS_close, "what was opened, when the link is refused; sockets that only asked something"),
    ])

  package static let fdDataPath = CallList(
    title: "FDLink: data path",
    summary: "From `attach` to `close`: attaching, receiving, sending, waiting, waking, detaching.",
    calls: [
      ListedCall("readv", SYS_readv, by: [.readv] + FDLinkUser.devices, "receives a packet"),
      ListedCall("recvmmsg", SYS_recvmmsg, by: [FDLinkUser.recvmmsg, .udp, .packet], "receives packets"),
      ListedCall("sendto", SYS_sendto, by: FDLinkUser.sockets, "sends a packet"),
      ListedCall("sendmmsg", SYS_sendmmsg, by: FDLinkUser.sockets, "sends several"),
      ListedCall("write", SYS_write, "rings the bell; sends a packet to a device"),
      ListedCall("writev", SYS_writev, by: FDLinkUser.devices, "sends a packet behind a virtio-net header"),
      ListedCall("preadv2", SYS_preadv2, "RWF_NOWAIT", 5, 8, "takes what the bell rang"),
      ListedCall("ppoll", SYS_ppoll, "waits; looks whether a bell has room, or a descriptor has come to its end"),
      control("FIONREAD", UInt(FIONREAD), by: FDLinkUser.sockets, "whether something is left behind the peer's end"),
      get("SO_ERROR", SOL_SOCKET, SO_ERROR, by: FDLinkUser.packets + [.injectable], "why the socket woke the link"),
      ListedCall(
        "recvfrom", SYS_recvfrom, "MSG_ERRQUEUE", 3, MSG_ERRQUEUE | MSG_DONTWAIT | MSG_TRUNC,
        by: [FDLinkUser.udp] + FDLinkUser.packets, "takes reports off the error queue"),
      get("PACKET_STATISTICS", SOL_PACKET, PACKET_STATISTICS, by: FDLinkUser.packets, "the kernel's drops"),
      ListedCall("getsockname", SYS_getsockname, by: FDLinkUser.packets, "after the interface went down: which it is"),
      control("SIOCGIFNAME", UInt(SIOCGIFNAME), by: FDLinkUser.packets, "the same"),
      control("SIOCGIFFLAGS", UInt(SIOCGIFFLAGS), by: FDLinkUser.packets, "whether it is up again"),
      control("TUNGETIFF", LINK_TUNGETIFF, by: FDLinkUser.devices, "after an error: whether the device is still there"),
    ])

  package static let fdDescription = CallList(
    title: "FDLink: `describe()`",
    summary: "Only who calls it needs these.",
    calls: [
      get("SO_RCVBUF", SOL_SOCKET, SO_RCVBUF, by: FDLinkUser.sockets, "buffer sizes"),
      get("SO_SNDBUF", SOL_SOCKET, SO_SNDBUF, by: FDLinkUser.sockets, "the same"),
      control("FIONREAD", UInt(FIONREAD), by: FDLinkUser.sockets, "what waits to be read"),
      control("TIOCOUTQ", UInt(TIOCOUTQ), by: FDLinkUser.sockets, "what has not left yet"),
      get("PACKET_FANOUT", SOL_PACKET, PACKET_FANOUT, by: FDLinkUser.packets, "the fanout group"),
    ])

  package static let fdTeardown = CallList(
    title: "FDLink: teardown",
    summary: "After `close`, on the link's thread; and `wait`.",
    calls: [
      ListedCall("munmap", SYS_munmap, by: [FDLinkUser.ring], "the ring"),
      ListedCall("close", SYS_close, "the descriptors, and the bell when nobody holds the link any more"),
    ])

  // MARK: Calls with a number that says what they do

  static func control(
    _ label: String, _ request: UInt, by users: [FDLinkUser], _ purpose: String
  ) -> ListedCall { ListedCall("ioctl", SYS_ioctl, label, 1, request, by: users, purpose) }

  static func get(
    _ label: String, _ level: CInt, _ option: CInt, by users: [FDLinkUser], _ purpose: String
  ) -> ListedCall { optionCall("getsockopt", SYS_getsockopt, label, level, option, users, purpose) }

  static func set(
    _ label: String, _ level: CInt, _ option: CInt, by users: [FDLinkUser] = [], _ purpose: String
  ) -> ListedCall { optionCall("setsockopt", SYS_setsockopt, label, level, option, users, purpose) }

  private static func optionCall(
    _ name: String, _ number: CInt, _ label: String, _ level: CInt, _ option: CInt, _ users: [FDLinkUser],
    _ purpose: String
  ) -> ListedCall {
    ListedCall(
      name, number, label, where: [.init(1, is: UInt32(level)), .init(2, is: UInt32(option))], by: users, purpose)
  }
}
