import LinkCore
import LinkSystem
import SharedMemLink

/// The pairs that the links of this package make.
extension LinkPairFactory {
  package static let sharedMemory: [LinkPairFactory] = [false, true].flatMap { isEthernet in
    [SharedMemEndpoint.Role.client, .server].flatMap { role in
      [false, true].map { sharedMemory(role, isEthernet: isEthernet, hasVirtioNetHeader: $0) }
    }
  }

  private static func sharedMemory(
    _ role: SharedMemEndpoint.Role, isEthernet: Bool, hasVirtioNetHeader: Bool
  ) -> LinkPairFactory {
    let framing = (hasVirtioNetHeader ? "virtio-net, " : "") + (isEthernet ? "Ethernet" : "IP")
    let other: SharedMemEndpoint.Role = role == .client ? .server : .client
    return LinkPairFactory(name: "shared memory, \(framing), \(role) first", isEthernet: isEthernet) {
      first, second in
      let queues = try QueuePair.make()
      let peers = try UnixSocket.pair(.seqpacket).takeBoth()
      let a = try SharedMemEndpoint(
        role, queues: try queues.duplicate(), peer: peers[0], hasVirtioNetHeader: hasVirtioNetHeader, options: first)
      let b = try SharedMemEndpoint(
        other, queues: queues, peer: peers[1], hasVirtioNetHeader: hasVirtioNetHeader, options: second)
      return (a, b)
    }
  }
}
