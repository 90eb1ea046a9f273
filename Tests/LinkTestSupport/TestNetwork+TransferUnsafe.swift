import Glibc
package import LinkSystem

/// Traffic of kernels' own making.
extension TestNetwork {
  /// From now on a UDP socket cuts each message into datagrams of this size. `UDP_SEGMENT`.
  package static func cutDatagrams(_ descriptor: CInt, _ byteCount: Int) throws(SystemError) {
    var value = CInt(byteCount)
    // SAFETY: a live local with its size.
    _ = try systemCall("setsockopt(UDP_SEGMENT)") { unsafe setsockopt(descriptor, 17, 103, &value, 4) }
  }

  /// Until the interface has an IPv6 address that it may use, the kernel refuses.
  package static func patiently(_ make: () throws -> OwnedDescriptor) throws -> OwnedDescriptor {
    var socket: OwnedDescriptor?
    var refusal: (any Error)?
    let works = try eventually {
      do { socket = try make() } catch { refusal = error }
      return socket != nil
    }
    if works, let socket = socket.take() { return socket }
    throw refusal ?? SystemError("a socket", SystemError.timedOut)
  }

  /// Takes the connection that comes to a listening socket.
  package static func accept(_ listener: borrowing OwnedDescriptor) throws -> OwnedDescriptor {
    guard try poll(listener.number, .input, nanoseconds: 10_000_000_000) == .input,
      let socket = try UnixSocket.accept(listener)
    else { throw SystemError("a connection", SystemError.timedOut) }
    return socket
  }

  /// Sends so many bytes from one end of a TCP connection to the other; returns whether they arrived as they were.
  package static func transfer(
    _ count: Int, from source: borrowing OwnedDescriptor, to target: borrowing OwnedDescriptor
  ) throws -> Bool {
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    var sent = 0
    var received: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 20)
    while received.count < count {
      if sent < count {
        let result = InternetSocket.send(source, data.span.extracting(droppingFirst: sent))
        if result > 0 { sent += result }
      }
      guard try poll(target.number, .input, nanoseconds: 10_000_000_000).contains(.input) else {
        throw SystemError("\(received.count) of \(count) bytes arrived, \(sent) were sent", SystemError.timedOut)
      }
      var span = room.mutableSpan
      let result = InternetSocket.receive(target, into: &span)
      guard result > 0 else { break }
      received += room[..<result]
    }
    return received == data
  }
}
