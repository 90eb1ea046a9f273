import CLinkShims
import Glibc

/// Sockets that see the frames of an interface. `packet(7)`.
package enum PacketSocket {
  /// The interface that a socket is bound to.
  package struct Binding: Sendable {
    /// 0: to none; -1: to one that is gone.
    package let interfaceIndex: Int
    /// Whether its frames begin with an Ethernet header.
    package let isEthernet: Bool
  }

  /// A non-blocking, close-on-exec socket for whole frames of every protocol, bound to the interface `name`. Needs
  /// CAP_NET_RAW in the network namespace.
  /// `hasVirtioNetHeader`: ten bytes of header precede each frame. `PACKET_VNET_HDR`.
  /// `multicast`: addresses of six bytes that the interface is to hand over frames to.
  /// `ignoresOutgoing`: it does not see what this host sends on the interface. `isMuted`: as `mute`, from the first frame on.
  package static func open(
    interface name: String, isPromiscuous: Bool = false, ignoresOutgoing: Bool = true, multicast: [[UInt8]] = [],
    isMuted: Bool = false, hasVirtioNetHeader: Bool = false
  ) throws(SystemError) -> OwnedDescriptor {
    // SAFETY: the call reads the name.
    let index = unsafe CInt(bitPattern: if_nametoindex(name))
    if index == 0 { throw SystemError("if_nametoindex(\(name))", errno) }
    // Without a protocol it receives nothing until it is bound.
    let type = LINK_SOCK_RAW | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    let socket = OwnedDescriptor(owning: try systemCall("socket(AF_PACKET)") { Glibc.socket(AF_PACKET, type, 0) })
    if isMuted { try mute(socket.number) }
    if ignoresOutgoing {
      var one: CInt = 1
      try setOption(socket.number, PACKET_IGNORE_OUTGOING, &one, "PACKET_IGNORE_OUTGOING")
    }
    if hasVirtioNetHeader {
      var one: CInt = 1
      try setOption(socket.number, PACKET_VNET_HDR, &one, "PACKET_VNET_HDR")
    }
    if isPromiscuous { try join(socket.number, index, PACKET_MR_PROMISC) }
    for address in multicast { try join(socket.number, index, PACKET_MR_MULTICAST, address) }
    let number = socket.number
    var address = sockaddr_ll()
    address.sll_family = UInt16(AF_PACKET)
    address.sll_protocol = UInt16(ETH_P_ALL).bigEndian
    address.sll_ifindex = index
    // SAFETY: a live local with its size; every address begins as a sockaddr.
    let result = unsafe withUnsafePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe bind(number, $0, socklen_t(MemoryLayout<sockaddr_ll>.size))
      }
    }
    if result != 0 { throw SystemError("bind(\(name))", errno) }
    return socket
  }

  /// What the interface is to hand over besides, as long as the socket is open. `PACKET_ADD_MEMBERSHIP`.
  private static func join(
    _ number: CInt, _ index: CInt, _ type: CInt, _ address: [UInt8] = []
  ) throws(SystemError) {
    var membership = packet_mreq()
    membership.mr_ifindex = index
    membership.mr_type = UInt16(type)
    membership.mr_alen = UInt16(address.count)
    // SAFETY: a view of a live local's bytes, of which there are eight.
    unsafe withUnsafeMutableBytes(of: &membership.mr_address) { unsafe $0.copyBytes(from: address.prefix(8)) }
    try setOption(number, PACKET_ADD_MEMBERSHIP, &membership, "PACKET_ADD_MEMBERSHIP")
  }

  /// What a packet socket is bound to. `getsockname(2)`.
  package static func binding(of number: CInt) throws(SystemError) -> Binding {
    var address = sockaddr_ll()
    var size = socklen_t(MemoryLayout<sockaddr_ll>.size)
    // SAFETY: a live local, and `size` says how much room it has.
    let result = unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { unsafe getsockname(number, $0, &size) }
    }
    if result != 0 { throw SystemError("getsockname(\(number))", errno) }
    // ARPHRD_ETHER, and ARPHRD_LOOPBACK, which has the same header.
    let isEthernet = address.sll_hatype == 1 || address.sll_hatype == 772
    return Binding(interfaceIndex: Int(address.sll_ifindex), isEthernet: isEthernet)
  }

  /// The MTU of a packet socket's interface. `SIOCGIFMTU`.
  package static func interfaceMTU(_ number: CInt) throws(SystemError) -> Int {
    var request = try nameRequest(number)
    try NetworkDevice.control(number, UInt(SIOCGIFMTU), &request, "ioctl(SIOCGIFMTU)")
    return Int(request.value)
  }

  private static func nameRequest(_ number: CInt) throws(SystemError) -> link_ifreq {
    var request = link_ifreq()
    request.value = CInt(clamping: try binding(of: number).interfaceIndex)
    try NetworkDevice.control(number, UInt(SIOCGIFNAME), &request, "ioctl(SIOCGIFNAME)")
    return request
  }

  /// Whether the interface of a packet socket is up; nil if it is gone. `SIOCGIFNAME`, `SIOCGIFFLAGS`.
  package static func isInterfaceUp(_ number: CInt) -> Bool? {
    do {
      var request = try nameRequest(number)
      try NetworkDevice.control(number, UInt(SIOCGIFFLAGS), &request, "ioctl(SIOCGIFFLAGS)")
      return request.flags & Int16(IFF_UP) != 0
    } catch { return nil }
  }

  /// Has the kernel report beside each message what it took out of the frame. `PACKET_AUXDATA`.
  package static func enableAuxiliaryData(_ number: CInt) throws(SystemError) {
    var one: CInt = 1
    try setOption(number, PACKET_AUXDATA, &one, "PACKET_AUXDATA")
  }

  /// The bytes of virtio-net header in front of each frame; 0: there is none. `PACKET_VNET_HDR_SZ`, `PACKET_VNET_HDR`.
  package static func virtioNetHeaderByteCount(of number: CInt) throws(SystemError) -> Int {
    // Before Linux 6.6 there is one size.
    if let byteCount = option(number, LINK_PACKET_VNET_HDR_SZ) { return Int(byteCount) }
    guard let isOn = option(number, PACKET_VNET_HDR) else {
      throw SystemError("getsockopt(\(number), PACKET_VNET_HDR)", errno)
    }
    return isOn == 0 ? 0 : 10
  }

  private static func option(_ number: CInt, _ name: CInt) -> CInt? {
    var value: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    // SAFETY: both are live locals, and `size` says how much room there is.
    return unsafe getsockopt(number, SOL_PACKET, name, &value, &size) == 0 ? value : nil
  }

  /// Frames that the kernel dropped because the socket's queue or ring was full, since the last call, or since the socket
  /// was made. Nil if the kernel does not tell. `PACKET_STATISTICS`.
  package static func takeDropCount(_ number: CInt) -> UInt64? {
    // Received, dropped, and with TPACKET_V3 how often the ring was found full.
    var counts = tpacket_stats_v3()
    var size = socklen_t(MemoryLayout<tpacket_stats_v3>.size)
    // SAFETY: both are live locals, and `size` says how much room there is.
    let result = unsafe getsockopt(number, SOL_PACKET, PACKET_STATISTICS, &counts, &size)
    return result == 0 ? UInt64(counts.tp_drops) : nil
  }

  static func setOption<Value: BitwiseCopyable>(
    _ number: CInt, _ name: CInt, _ value: inout Value, _ label: String
  ) throws(SystemError) {
    let size = socklen_t(MemoryLayout<Value>.size)
    // SAFETY: each caller passes the record that its option reads.
    let result = unsafe withUnsafePointer(to: &value) { unsafe setsockopt(number, SOL_PACKET, name, $0, size) }
    if result != 0 { throw SystemError("setsockopt(\(number), \(label))", errno) }
  }
}
