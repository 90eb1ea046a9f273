import CLinkShims
import Glibc

/// What a link has to know of a socket before it takes it. `socket(7)`.
package struct SocketFacts: Sendable {
  package enum Kind: Sendable { case stream, datagram, seqpacket, raw, other }
  package let kind: Kind
  package let isListening: Bool
  package enum Family: Sendable { case unix, internet, packet, other }
  package let family: Family

  /// Of a number that the caller keeps. Throws ENOTSOCK for anything else.
  package init(of number: CInt) throws(SystemError) {
    let type = try Self.option(number, SO_TYPE, "SO_TYPE")
    kind =
      switch type {
      case LINK_SOCK_STREAM: .stream
      case LINK_SOCK_DGRAM: .datagram
      case LINK_SOCK_SEQPACKET: .seqpacket
      case LINK_SOCK_RAW: .raw
      default: .other
      }
    isListening = try Self.option(number, SO_ACCEPTCONN, "SO_ACCEPTCONN") != 0
    family =
      switch try Self.option(number, SO_DOMAIN, "SO_DOMAIN") {
      case AF_UNIX: .unix
      case AF_INET, AF_INET6: .internet
      case AF_PACKET: .packet
      default: .other
      }
  }

  /// Sets what a socket may queue, beyond the system's limit where that is allowed. `SO_RCVBUFFORCE`, `SO_SNDBUFFORCE`.
  package static func setBuffers(of number: CInt, receive: Int?, send: Int?) throws(SystemError) {
    for (size, force, plain, label) in [
      (receive, SO_RCVBUFFORCE, SO_RCVBUF, "SO_RCVBUF"), (send, SO_SNDBUFFORCE, SO_SNDBUF, "SO_SNDBUF"),
    ] {
      guard let size else { continue }
      var value = CInt(clamping: size)
      let room = socklen_t(MemoryLayout<CInt>.size)
      // SAFETY: a live local with its size.
      if unsafe setsockopt(number, SOL_SOCKET, force, &value, room) == 0 { continue }
      // SAFETY: as above.
      _ = try systemCall("setsockopt(\(number), \(label))") {
        unsafe setsockopt(number, SOL_SOCKET, plain, &value, room)
      }
    }
  }

  package enum Buffer: Sendable { case receive, send }

  /// What a socket may queue, as the kernel counts. Nil if it does not tell. `SO_RCVBUF`, `SO_SNDBUF`.
  package static func bufferByteCount(_ number: CInt, _ buffer: Buffer) -> Int? {
    do { return Int(try option(number, buffer == .receive ? SO_RCVBUF : SO_SNDBUF, "buffer")) } catch { return nil }
  }

  /// Takes the error that a socket has to report; 0: there is none. `SO_ERROR`.
  package static func takeError(_ number: CInt) -> CInt {
    do { return try option(number, SO_ERROR, "SO_ERROR") } catch { return error.number }
  }

  private static func option(_ number: CInt, _ name: CInt, _ label: String) throws(SystemError) -> CInt {
    var value: CInt = 0
    var size = socklen_t(MemoryLayout<CInt>.size)
    // SAFETY: both are live locals, and `size` says how much room `value` has.
    _ = try systemCall("getsockopt(\(number), \(label))") { unsafe getsockopt(number, SOL_SOCKET, name, &value, &size) }
    return value
  }

  /// Bytes that wait to be received, 0 if only empty messages do. On datagram sockets those of the next message;
  /// nil where the descriptor cannot tell. `ioctl(FIONREAD)`.
  package static func waitingByteCount(_ number: CInt) -> Int? { count(number, UInt(FIONREAD)) }

  /// Bytes that were sent and are still in memory; nil where the descriptor cannot tell. `ioctl(SIOCOUTQ)`.
  package static func unsentByteCount(_ number: CInt) -> Int? { count(number, UInt(TIOCOUTQ)) }

  private static func count(_ number: CInt, _ request: UInt) -> Int? {
    var count: CInt = 0
    // SAFETY: both requests write one int, the size of the live local.
    let result = unsafe withUnsafeMutablePointer(to: &count) { unsafe link_ioctl(number, request, $0) }
    return result == 0 ? Int(count) : nil
  }
}
