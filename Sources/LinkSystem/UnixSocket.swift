import CLinkShims
import Glibc

/// Unix sockets that keep message boundaries, all close-on-exec. `unix(7)`.
package enum UnixSocket {
  package enum Kind: Sendable {
    case seqpacket, datagram, stream
    var number: CInt {
      switch self {
      case .seqpacket: LINK_SOCK_SEQPACKET
      case .datagram: LINK_SOCK_DGRAM
      case .stream: LINK_SOCK_STREAM
      }
    }
  }

  /// The two ends of a connection. The owner may take them apart.
  package struct Pair: ~Copyable, Sendable {
    package var first: OwnedDescriptor
    package var second: OwnedDescriptor
    package consuming func takeBoth() -> InlineArray<2, CInt> { [first.release(), second.release()] }
  }

  /// Two connected, non-blocking sockets. `socketpair(2)`.
  package static func pair(_ kind: Kind) throws(SystemError) -> Pair {
    var numbers: InlineArray<2, CInt> = [-1, -1]
    let type = kind.number | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    var span = numbers.mutableSpan
    // SAFETY: a live local with room for the two numbers.
    let result = unsafe span.withUnsafeMutableBufferPointer { unsafe socketpair(AF_UNIX, type, 0, $0.baseAddress) }
    if result != 0 { throw SystemError("socketpair", errno) }
    return Pair(first: OwnedDescriptor(owning: numbers[0]), second: OwnedDescriptor(owning: numbers[1]))
  }

  /// A listening seqpacket socket at `path`. A socket file that nobody listens on any more is replaced;
  /// EADDRINUSE means that somebody does.
  package static func listen(path: String) throws(SystemError) -> OwnedDescriptor {
    let socket = try make()
    do { try bind(socket, path) } catch {
      guard error.number == EADDRINUSE, isStale(path) else { throw error }
      removeFile(path)
      try bind(socket, path)
    }
    _ = try systemCall("listen(\(path))") { Glibc.listen(socket.number, 128) }
    return socket
  }

  /// The next connection, non-blocking; nil when none is waiting.
  package static func accept(_ listener: borrowing OwnedDescriptor) throws(SystemError) -> OwnedDescriptor? {
    let flags = LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    do {
      return OwnedDescriptor(owning: try systemCall("accept") { link_accept4(listener.number, flags) })
    } catch {
      // A connection that was reset before we came to it is the peer's business, not an error of the listener.
      if error.number == EAGAIN || error.number == ECONNABORTED { return nil }
      throw error
    }
  }

  /// As `connect`; nil while the listener's queue is full.
  package static func connectIfRoom(path: String) throws(SystemError) -> OwnedDescriptor? {
    do { return try connect(path: path) } catch {
      guard error.number == EAGAIN else { throw error }
      return nil
    }
  }

  /// Connects to the seqpacket socket at `path`.
  package static func connect(path: String) throws(SystemError) -> OwnedDescriptor {
    let socket = try make()
    // SAFETY: the address is valid during the call, and its size is passed.
    let result = try unsafe withAddress(path) { unsafe Glibc.connect(socket.number, $0, $1) }
    if result != 0 { throw SystemError("connect(\(path))", errno) }
    return socket
  }

  /// Removes a socket's file, if it is still there.
  package static func removeFile(_ path: String) {
    // SAFETY: the call reads the path.
    _ = unsafe unlink(path)
  }

  /// Ends the connection for whoever shares the socket; the descriptor stays. `shutdown(2)`.
  package static func shutDown(_ socket: CInt) { _ = shutdown(socket, CInt(SHUT_RDWR)) }

  /// From now on nobody can send descriptors to this socket, and to connections that are accepted from it: closing what
  /// a peer sends can take as long as the peer likes. Kernels before 6.16 cannot refuse them. `setsockopt(SO_PASSRIGHTS)`.
  package static func refuseDescriptors(_ socket: CInt) {
    var no: CInt = 0
    // SAFETY: a live local, and its size.
    _ = unsafe setsockopt(socket, SOL_SOCKET, LINK_SO_PASSRIGHTS, &no, socklen_t(MemoryLayout<CInt>.size))
  }

  private static func make() throws(SystemError) -> OwnedDescriptor {
    let type = LINK_SOCK_SEQPACKET | LINK_SOCK_CLOEXEC | LINK_SOCK_NONBLOCK
    return OwnedDescriptor(owning: try systemCall("socket") { socket(AF_UNIX, type, 0) })
  }

  private static func bind(_ socket: borrowing OwnedDescriptor, _ path: String) throws(SystemError) {
    let number = socket.number
    // SAFETY: the address is valid during the call, and its size is passed.
    let result = try unsafe withAddress(path) { unsafe Glibc.bind(number, $0, $1) }
    if result != 0 { throw SystemError("bind(\(path))", errno) }
  }

  /// Only a socket may be replaced, and only one that refuses connections.
  private static func isStale(_ path: String) -> Bool {
    var record = stat()
    // SAFETY: a live local of the type that lstat fills.
    guard unsafe lstat(path, &record) == 0, record.st_mode & S_IFMT == S_IFSOCK else { return false }
    do {
      _ = try connect(path: path)
      return false
    } catch { return error.number == ECONNREFUSED }
  }

  private static func withAddress(
    _ path: String, _ body: (UnsafePointer<sockaddr>, socklen_t) -> CInt
  ) throws(SystemError) -> CInt {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let bytes = Array(path.utf8)
    let room = MemoryLayout.size(ofValue: address.sun_path) - 1
    guard !bytes.isEmpty, bytes.count <= room else {
      throw SystemError("socket path of \(bytes.count) bytes", ENAMETOOLONG)
    }
    // SAFETY: the path was checked to fit, with its final zero, which the zeroed record already has; sockaddr_un is
    // laid out as a sockaddr of its family.
    return unsafe withUnsafeMutablePointer(to: &address) { pointer in
      unsafe withUnsafeMutableBytes(of: &pointer.pointee.sun_path) { unsafe $0.copyBytes(from: bytes) }
      return unsafe pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) {
        unsafe body($0, socklen_t(MemoryLayout<sockaddr_un>.size))
      }
    }
  }
}
