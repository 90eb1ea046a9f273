import CLinkShims
import Glibc

/// IPv4 and IPv6 sockets, non-blocking and close-on-exec, as far as tools and tests need them. `ip(7)`, `ipv6(7)`.
package enum InternetSocket {
  /// An address of 4 or 16 bytes, and a port.
  package struct Address: Equatable, Sendable {
    package var bytes: [UInt8]
    package var port: UInt16

    package init(_ bytes: [UInt8], port: UInt16 = 0) {
      precondition(bytes.count == 4 || bytes.count == 16, "an IP address has 4 or 16 bytes")
      self.bytes = bytes
      self.port = port
    }

    /// From text: `192.0.2.1`, `2001:db8::1`. Nil for anything else, names of hosts too. `inet_pton(3)`.
    package init?(_ text: String, port: UInt16) {
      let family = text.contains(":") ? AF_INET6 : AF_INET
      var bytes = [UInt8](repeating: 0, count: family == AF_INET6 ? 16 : 4)
      // SAFETY: the call writes as many bytes as an address of the family has.
      let result = unsafe bytes.withUnsafeMutableBytes { unsafe inet_pton(family, text, $0.baseAddress) }
      if result != 1 { return nil }
      self.init(bytes, port: port)
    }

    package var isIPv6: Bool { bytes.count == 16 }
    fileprivate var family: CInt { isIPv6 ? AF_INET6 : AF_INET }
  }

  /// A raw ICMP or ICMPv6 socket that talks to `address`. What it receives begins with the IP header in IPv4 only; the
  /// kernel fills in the checksum in ICMPv6 only. Needs CAP_NET_RAW. `raw(7)`.
  package static func icmp(to address: Address) throws(SystemError) -> OwnedDescriptor {
    let type = LINK_SOCK_RAW | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    let transport = CInt(address.isIPv6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP)
    let socket = OwnedDescriptor(
      owning: try systemCall("socket(SOCK_RAW)") { Glibc.socket(address.family, type, transport) })
    try connect(socket, address)
    return socket
  }

  /// A UDP socket at `local` that talks to `remote` only. `udp(7)`.
  package static func datagram(from local: Address, to remote: Address) throws(SystemError) -> OwnedDescriptor {
    let type = LINK_SOCK_DGRAM | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    let socket = OwnedDescriptor(owning: try systemCall("socket(SOCK_DGRAM)") { Glibc.socket(local.family, type, 0) })
    let number = socket.number
    // SAFETY: the address is valid during the call, and its size is passed.
    let result = unsafe withAddress(local) { unsafe bind(number, $0, $1) }
    if result != 0 { throw SystemError("bind(UDP port \(local.port))", errno) }
    try connect(socket, remote)
    return socket
  }

  /// A TCP socket that listens at `address`.
  package static func listen(_ address: Address) throws(SystemError) -> OwnedDescriptor {
    let socket = try stream(address)
    let number = socket.number
    // SAFETY: the address is valid during the call, and its size is passed.
    let result = unsafe withAddress(address) { unsafe bind(number, $0, $1) }
    if result != 0 { throw SystemError("bind(TCP port \(address.port))", errno) }
    _ = try systemCall("listen") { Glibc.listen(number, 16) }
    return socket
  }

  /// A TCP socket on its way to `address`: it is writable when the connection stands, or failed.
  package static func connect(to address: Address) throws(SystemError) -> OwnedDescriptor {
    let socket = try stream(address)
    do { try connect(socket, address) } catch  where error.number == EINPROGRESS {}
    return socket
  }

  /// Sends what fits of the bytes. Returns how many, or minus errno. `send(2)`.
  package static func send(_ socket: borrowing OwnedDescriptor, _ bytes: Span<UInt8>) -> Int {
    // SAFETY: the span is valid during the call.
    unsafe bytes.withUnsafeBytes { unsafe PacketIO.send(socket.number, $0) }
  }

  /// Receives what is there, as far as it fits. Returns how much, 0 at the end of a stream, or minus errno. `recv(2)`.
  package static func receive(_ socket: borrowing OwnedDescriptor, into bytes: inout MutableSpan<UInt8>) -> Int {
    let number = socket.number
    // SAFETY: the span is valid during the call.
    return unsafe bytes.withUnsafeMutableBytes { unsafe PacketIO.read(number, $0) }
  }

  private static func stream(_ address: Address) throws(SystemError) -> OwnedDescriptor {
    let type = LINK_SOCK_STREAM | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    return OwnedDescriptor(owning: try systemCall("socket") { socket(address.family, type, 0) })
  }

  private static func connect(_ socket: borrowing OwnedDescriptor, _ address: Address) throws(SystemError) {
    let number = socket.number
    // SAFETY: the address is valid during the call, and its size is passed.
    let result = unsafe withAddress(address) { unsafe Glibc.connect(number, $0, $1) }
    if result != 0 { throw SystemError("connect", errno) }
  }

  private static func withAddress(
    _ address: Address, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) -> CInt {
    // sockaddr_in has its address at offset 4, sockaddr_in6 at offset 8; both have the port at 2.
    var record = sockaddr_in6()
    record.sin6_family = sa_family_t(address.family)
    record.sin6_port = address.port.bigEndian
    let size = address.isIPv6 ? MemoryLayout<sockaddr_in6>.size : MemoryLayout<sockaddr_in>.size
    let offset = address.isIPv6 ? 8 : 4
    // SAFETY: the record is a live local, larger than a sockaddr_in, and every family's record begins as a sockaddr.
    return unsafe withUnsafeMutableBytes(of: &record) { bytes in
      for (index, byte) in address.bytes.enumerated() { unsafe bytes[offset + index] = byte }
      return unsafe body(bytes.baseAddress!.assumingMemoryBound(to: sockaddr.self), socklen_t(size))
    }
  }
}
