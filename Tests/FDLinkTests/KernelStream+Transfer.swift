import LinkCore
import LinkSystem
import LinkTestSupport

extension KernelStream {
  /// `server` listens, `client` is on its way.
  static func tcp(_ way: Way, far: Way? = nil) throws -> KernelStream {
    try KernelStream(
      way, far: far,
      serve: { try TestNetwork.patiently { try InternetSocket.listen(way.address(2, port: 4000)) } },
      connect: { try TestNetwork.patiently { try InternetSocket.connect(to: way.address(2, port: 4000)) } })
  }

  /// The client cuts what it sends in one message into datagrams of this size; each socket talks to the other.
  static func udp(_ way: Way, far farWay: Way? = nil, segmentByteCount: Int) throws -> KernelStream {
    let (near, far) = (way.address(1, port: 4001), way.address(2, port: 4000))
    return try KernelStream(
      way, far: farWay, serve: { try TestNetwork.patiently { try InternetSocket.datagram(from: far, to: near) } },
      connect: {
        let socket = try TestNetwork.patiently { try InternetSocket.datagram(from: near, to: far) }
        try TestNetwork.cutDatagrams(socket.number, segmentByteCount)
        return socket
      })
  }

  /// Sends so many bytes through TCP, from the client or from the server; returns whether they arrived as they were.
  func transfer(_ count: Int, fromServer: Bool = false) throws -> Bool {
    let server = try TestNetwork.accept(server)
    return fromServer
      ? try TestNetwork.transfer(count, from: server, to: client)
      : try TestNetwork.transfer(count, from: client, to: server)
  }
}
