import LinkCore
import LinkSystem
import SharedMemLink

/// The pairs that the links of this package make.
extension LinkPairFactory {
  package static let sharedMemory: [LinkPairFactory] = [false, true].flatMap { isEthernet in
    [SharedMemEndpoint.Role.client, .server].map { role in
      let framing = isEthernet ? "Ethernet" : "IP"
      let other: SharedMemEndpoint.Role = role == .client ? .server : .client
      return LinkPairFactory(name: "shared memory, \(framing), \(role) first", isEthernet: isEthernet) {
        first, second in
        let queues = try QueuePair.make()
        let peers = try UnixSocket.pair(.seqpacket).takeBoth()
        let a = try SharedMemEndpoint(role, queues: try queues.duplicate(), peer: peers[0], options: first)
        return (a, try SharedMemEndpoint(other, queues: queues, peer: peers[1], options: second))
      }
    }
  }
}
