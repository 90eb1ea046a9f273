import CLinkShims
import Glibc

/// TUN and TAP devices, and the interface settings that a link or a test needs. `netdevice(7)`, and the kernel's
/// Documentation/networking/tuntap.rst.
package enum NetworkDevice {
  package enum Kind: Sendable { case tun, tap }

  /// A descriptor of a device and the name that the device got.
  package struct OpenDevice: ~Copyable, Sendable {
    package let descriptor: OwnedDescriptor
    package let name: String
    package consuming func take() -> OwnedDescriptor { descriptor }
  }

  /// Attaches to the device `name`, making it if it is not there; it goes away with its last descriptor. A name with
  /// `%d` asks the kernel for a number. Without packet information; non-blocking, close-on-exec. `TUNSETIFF`.
  /// `isMultiQueue`: further descriptors of the same device may be opened, with the same flag; each is a queue of its own.
  /// `hasVirtioNetHeader`: ten bytes of header precede each packet, little endian. `IFF_VNET_HDR`.
  /// `isPersistent`: the device outlives its last descriptor, or no longer does; nil leaves that as it is. `TUNSETPERSIST`.
  package static func open(
    _ kind: Kind, name: String, isMultiQueue: Bool = false, hasVirtioNetHeader: Bool = false, isPersistent: Bool? = nil
  ) throws(SystemError) -> OpenDevice {
    let path = "/dev/net/tun"
    let file = OwnedDescriptor(
      // SAFETY: the call copies the path.
      owning: try systemCall("open(\(path))") { unsafe Glibc.open(path, O_RDWR | O_NONBLOCK | O_CLOEXEC) })
    var request = try makeRequest(name)
    request.flags = (kind == .tun ? LINK_IFF_TUN : LINK_IFF_TAP) | LINK_IFF_NO_PI
    if isMultiQueue { request.flags |= LINK_IFF_MULTI_QUEUE }
    if hasVirtioNetHeader { request.flags |= LINK_IFF_VNET_HDR }
    try control(file.number, LINK_TUNSETIFF, &request, "ioctl(TUNSETIFF, \(name))")
    if hasVirtioNetHeader { try setVirtioNetHeader(file.number) }
    if let isPersistent {
      let number = file.number
      _ = try systemCall("ioctl(TUNSETPERSIST, \(name))") {
        link_ioctl_value(number, LINK_TUNSETPERSIST, isPersistent ? 1 : 0)
      }
    }
    return OpenDevice(descriptor: file, name: deviceName(request))
  }

  /// What is behind a descriptor.
  package struct Attachment: Sendable {
    package let kind: Kind
    package let name: String
    /// Four bytes of packet information precede each packet: no `IFF_NO_PI`.
    package let hasPacketInformation: Bool
    /// A virtio-net header does. `IFF_VNET_HDR`.
    package let hasVirtioNetHeader: Bool
  }

  /// The device behind a descriptor; nil when there is none. `TUNGETIFF`.
  package static func attached(to descriptor: CInt) -> Attachment? {
    var request = link_ifreq()
    do { try control(descriptor, LINK_TUNGETIFF, &request, "ioctl(TUNGETIFF)") } catch { return nil }
    return Attachment(
      kind: request.flags & LINK_IFF_TAP != 0 ? .tap : .tun, name: deviceName(request),
      hasPacketInformation: request.flags & LINK_IFF_NO_PI == 0,
      hasVirtioNetHeader: request.flags & LINK_IFF_VNET_HDR != 0)
  }

  /// Sets the interface up or down. `SIOCSIFFLAGS`.
  package static func setUp(_ name: String, _ up: Bool = true) throws(SystemError) {
    let socket = try inetSocket()
    var request = try makeRequest(name)
    try control(socket.number, UInt(SIOCGIFFLAGS), &request, "ioctl(SIOCGIFFLAGS, \(name))")
    let flag = Int16(IFF_UP)
    request.flags = up ? request.flags | flag : request.flags & ~flag
    try control(socket.number, UInt(SIOCSIFFLAGS), &request, "ioctl(SIOCSIFFLAGS, \(name))")
  }

  /// The index of the interface in the network namespace of the calling thread; nil: there is none of that name.
  /// `SIOCGIFINDEX`.
  package static func index(of name: String) -> Int? {
    // SAFETY: the call reads the name.
    let index = unsafe if_nametoindex(name)
    return index == 0 ? nil : Int(index)
  }

  /// The largest packet of the interface, the link header not counted. `SIOCGIFMTU`.
  package static func mtu(of name: String) throws(SystemError) -> Int {
    let socket = try inetSocket()
    var request = try makeRequest(name)
    try control(socket.number, UInt(SIOCGIFMTU), &request, "ioctl(SIOCGIFMTU, \(name))")
    return Int(request.value)
  }

  /// `SIOCSIFMTU`.
  package static func setMTU(_ name: String, _ mtu: Int) throws(SystemError) {
    try set(name, CInt(clamping: mtu), UInt(SIOCSIFMTU), "SIOCSIFMTU")
  }

  /// How many packets may wait to leave the interface. `SIOCSIFTXQLEN`.
  package static func setTransmitQueueLength(_ name: String, _ length: Int) throws(SystemError) {
    try set(name, CInt(clamping: length), UInt(SIOCSIFTXQLEN), "SIOCSIFTXQLEN")
  }

  private static func set(_ name: String, _ value: CInt, _ code: UInt, _ label: String) throws(SystemError) {
    let socket = try inetSocket()
    var request = try makeRequest(name)
    request.value = value
    try control(socket.number, code, &request, "ioctl(\(label), \(name))")
  }

  /// Gives the interface an IPv4 address (four bytes) with a prefix. `SIOCSIFADDR`, `SIOCSIFNETMASK`.
  package static func setAddress(_ name: String, ipv4: [UInt8], prefixLength: Int) throws(SystemError) {
    precondition(ipv4.count == 4 && (0...32).contains(prefixLength))
    let socket = try inetSocket()
    let mask = prefixLength == 0 ? 0 : UInt32.max << UInt32(32 - prefixLength)
    let maskBytes = (0..<4).map { UInt8(truncatingIfNeeded: mask >> UInt32(24 - 8 * $0)) }
    for (code, bytes, label) in [(SIOCSIFADDR, ipv4, "SIOCSIFADDR"), (SIOCSIFNETMASK, maskBytes, "SIOCSIFNETMASK")] {
      var request = try makeRequest(name)
      request.address.sa_family = sa_family_t(AF_INET)
      // SAFETY: a sockaddr_in has its address at offset 4, within the 16 bytes of the sockaddr.
      unsafe withUnsafeMutableBytes(of: &request.address) { for i in 0..<4 { unsafe $0[4 + i] = bytes[i] } }
      try control(socket.number, UInt(code), &request, "ioctl(\(label), \(name))")
    }
  }

  /// Adds an IPv6 address (16 bytes) with a prefix. `SIOCSIFADDR` on an AF_INET6 socket, with `in6_ifreq`.
  package static func addAddress(_ name: String, ipv6: [UInt8], prefixLength: Int) throws(SystemError) {
    precondition(ipv6.count == 16 && (0...128).contains(prefixLength))
    let socket = try inetSocket(AF_INET6)
    var request = link_in6_ifreq()
    // SAFETY: a live local; its first 16 bytes are the address.
    unsafe withUnsafeMutableBytes(of: &request) { for i in 0..<16 { unsafe $0[i] = ipv6[i] } }
    request.prefix_length = UInt32(prefixLength)
    // SAFETY: the call reads the name.
    request.index = unsafe CInt(if_nametoindex(name))
    try control(socket.number, UInt(SIOCSIFADDR), &request, "ioctl(SIOCSIFADDR, \(name), IPv6)")
  }

  private static func inetSocket(_ family: CInt = AF_INET) throws(SystemError) -> OwnedDescriptor {
    OwnedDescriptor(
      owning: try systemCall("socket") { socket(family, LINK_SOCK_DGRAM | LINK_SOCK_CLOEXEC, 0) })
  }

  private static func makeRequest(_ name: String) throws(SystemError) -> link_ifreq {
    var request = link_ifreq()
    let bytes = Array(name.utf8)
    guard (1...15).contains(bytes.count) else { throw SystemError("interface name \"\(name)\"", ENAMETOOLONG) }
    // SAFETY: 15 bytes at most, checked above, into a field of 16 that is zero: its final zero stays.
    unsafe withUnsafeMutableBytes(of: &request.name) { unsafe $0.copyBytes(from: bytes) }
    return request
  }

  private static func deviceName(_ request: link_ifreq) -> String {
    // SAFETY: read-only view of a local's 16 bytes.
    unsafe withUnsafeBytes(of: request.name) { unsafe String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
  }

  static func control<Request>(
    _ descriptor: CInt, _ code: UInt, _ request: inout Request, _ label: String
  ) throws(SystemError) {
    // SAFETY: each caller passes the record that its request code reads and writes; layouts are asserted in C.
    let result = unsafe withUnsafeMutablePointer(to: &request) { unsafe link_ioctl(descriptor, code, $0) }
    if result == -1 { throw SystemError(label, errno) }
  }
}
