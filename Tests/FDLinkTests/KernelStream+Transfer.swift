import LinkCore
import LinkSystem
import LinkTestSupport

extension KernelStream {
  /// `server` listens, `client` is on its way.
  static func tcp(_ way: Way, far: Way? = nil) throws -> KernelStream {
    try KernelStream(
      way, far: far,
      serve: { try KernelStream.patiently { try InternetSocket.listen(way.address(2, port: 4000)) } },
      connect: { try KernelStream.patiently { try InternetSocket.connect(to: way.address(2, port: 4000)) } })
  }

  /// The client cuts what it sends in one message into datagrams of this size; each socket talks to the other.
  static func udp(_ way: Way, segmentByteCount: Int) throws -> KernelStream {
    let (near, far) = (way.address(1, port: 4001), way.address(2, port: 4000))
    return try KernelStream(
      way, serve: { try patiently { try InternetSocket.datagram(from: far, to: near) } },
      connect: {
        let socket = try patiently { try InternetSocket.datagram(from: near, to: far) }
        try cutDatagrams(socket.number, segmentByteCount)
        return socket
      })
  }

  /// Sends so many bytes through TCP; returns whether they arrived as they were.
  func transfer(_ count: Int) throws -> Bool {
    let listener = self.server.number
    guard try poll(listener, .input, nanoseconds: 10_000_000_000) == .input else {
      throw DidNotHappen(description: "no connection came")
    }
    guard let server = try UnixSocket.accept(self.server) else { return false }
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    var sent = 0
    var received: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 20)
    while received.count < count {
      if sent < count {
        let result = InternetSocket.send(client, data.span.extracting(droppingFirst: sent))
        if result > 0 { sent += result }
      }
      guard try poll(server.number, .input, nanoseconds: 10_000_000_000).contains(.input) else {
        throw DidNotHappen(description: "\(received.count) of \(count) bytes arrived, \(sent) were sent")
      }
      var span = room.mutableSpan
      let result = InternetSocket.receive(server, into: &span)
      guard result > 0 else { break }
      received += room[..<result]
    }
    return received == data
  }
}
