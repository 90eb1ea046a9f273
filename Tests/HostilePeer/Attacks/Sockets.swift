import Glibc
import LinkSystem

/// The socket whose end is the peer's end.
extension Attack {
  static let sockets: [Attack] = [
    Attack("peer-closed", "the peer's end is closed", .socket, promise: .closes) { $0.files.closeSocket() },
    Attack("peer-closed-midway", "the peer's end is closed in the middle of a stream", .socket, promise: .closes) {
      peer in
      for _ in 0..<64 { peer.sendHonest() }
      peer.ring()
      peer.files.closeSocket()
      for _ in 0..<64 { peer.sendHonest() }
    },
    Attack("peer-half-closed", "the peer's end says that it will write no more", .socket, promise: .closes) { peer in
      _ = shutdown(peer.files.socket, CInt(SHUT_WR))
    },
    Attack("peer-gone-and-sending", "the peer's end is closed, and packets go on for ever", .socket, promise: .closes) {
      peer in
      peer.files.closeSocket()
      peer.chatterUntilOver()
    },
    Attack("peer-written", "a storm of messages on the socket that carries none", .socket) { peer in
      try peer.storm { try peer.writeOnSocket(count: 32, descriptors: []) }
    },
    Attack("peer-descriptors", "messages with descriptors on the socket that carries none", .socket) { peer in
      try peer.storm {
        try peer.writeOnSocket(count: 4, descriptors: [CInt](repeating: peer.bellOut, count: 253))
      }
    },
    Attack("peer-stuffed", "the socket's buffer is filled and left", .socket) { peer in
      try peer.writeOnSocket(count: 100_000, descriptors: [])
    },
  ]
}

extension HostilePeer {
  fileprivate func writeOnSocket(count: Int, descriptors: [CInt]) throws {
    let message = DescriptorMessage(bytes: [UInt8](repeating: 0x5a, count: 1000), descriptors: descriptors)
    for _ in 0..<count {
      do throws(SystemError) { try message.send(on: files.socket) } catch {
        // Full: the victim takes its time. Too many descriptors under way: the kernel's own bound. None at all, if the
        // victim told the kernel so.
        if [EAGAIN, ETOOMANYREFS, EPERM].contains(error.number) { return Self.pause() }
        throw error
      }
    }
  }
}
