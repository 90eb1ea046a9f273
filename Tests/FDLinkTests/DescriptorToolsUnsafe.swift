import Glibc
import LinkSystem

func openNullDevice() throws(SystemError) -> OwnedDescriptor {
  // SAFETY: the call copies the path.
  OwnedDescriptor(owning: try systemCall("open") { unsafe open("/dev/null", O_RDWR | O_CLOEXEC) })
}

func removeFile(_ path: String) {
  // SAFETY: the call reads the path.
  _ = unsafe unlink(path)
}

func setBlockingAndInherited(_ descriptor: CInt) {
  _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) & ~O_NONBLOCK)
  _ = fcntl(descriptor, F_SETFD, 0)
}

func isNonBlockingAndCloseOnExec(_ descriptor: CInt) -> Bool {
  fcntl(descriptor, F_GETFL) & O_NONBLOCK != 0 && fcntl(descriptor, F_GETFD) & FD_CLOEXEC != 0
}

/// Whether this process may make network devices in a namespace of its own.
let canMakeDevices: Bool = {
  // SAFETY: the call reads the path.
  unsafe geteuid() == 0 && access("/dev/net/tun", R_OK | W_OK) == 0
}()

/// A UDP socket of the calling thread's network, connected to an IPv4 address.
func connectedUDP(to address: [UInt8], port: UInt16) throws(SystemError) -> OwnedDescriptor {
  let udp = OwnedDescriptor(owning: try systemCall("socket") { socket(AF_INET, CInt(SOCK_DGRAM.rawValue), 0) })
  var destination = sockaddr_in()
  destination.sin_family = sa_family_t(AF_INET)
  destination.sin_port = port.bigEndian
  destination.sin_addr.s_addr = address.reversed().reduce(0) { $0 << 8 | UInt32($1) }
  // SAFETY: a live local with its size; a sockaddr_in is laid out as a sockaddr of its family.
  _ = try unsafe withUnsafePointer(to: &destination) { pointer throws(SystemError) in
    try unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { address throws(SystemError) in
      try systemCall("connect") { unsafe connect(udp.number, address, 16) }
    }
  }
  return udp
}

/// Ends reception on whatever socket the descriptor's open file is, as another holder of it may.
func shutDownReading(_ descriptor: CInt) { _ = shutdown(descriptor, CInt(SHUT_RD)) }

/// Asks for reports of refused datagrams on the error queue of an IPv4 socket. `IP_RECVERR`.
func reportErrors(_ descriptor: CInt) {
  var one: CInt = 1
  // SAFETY: a live local with its size.
  _ = unsafe setsockopt(descriptor, CInt(IPPROTO_IP), IP_RECVERR, &one, socklen_t(MemoryLayout<CInt>.size))
}
