import FDLink
import LinkCore
import LinkSystem

/// Links over descriptors that anybody may make.
extension LinkPairFactory {
  package static let descriptors: [LinkPairFactory] = [false, true].flatMap { isEthernet in
    let framing = isEthernet ? "Ethernet" : "IP"
    return [
      LinkPairFactory(name: "seqpacket sockets, \(framing)", isEthernet: isEthernet) { first, second in
        try sockets(.seqpacket, first, second)
      },
      LinkPairFactory(
        name: "datagram sockets, \(framing)", isEthernet: isEthernet, traits: .all.subtracting(.noticesEnd)
      ) { first, second in try sockets(.datagram, first, second) },
    ]
  }

  /// Over several descriptors, each of which receives on a thread of its own.
  package static let severalSockets: [LinkPairFactory] = [2, 4].map { count in
    LinkPairFactory(
      name: "\(count) seqpacket sockets", isEthernet: count == 4, traits: .all.subtracting(.oneDescriptor)
    ) { first, second in
      let ends = try (0..<count).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
      let a = try FDEndpoint(takingOwnershipOf: ends.map { $0[0] }, options: first)
      return (a, try FDEndpoint(takingOwnershipOf: ends.map { $0[1] }, options: second))
    }
  }

  private static func sockets(
    _ kind: SocketPairKind, _ first: LinkOptions, _ second: LinkOptions
  ) throws -> (any LinkEndpoint, any LinkEndpoint) {
    // Each end receives in its own way.
    var byReads = FDOptions()
    byReads.dispatchMode = .readv
    let (a, descriptor) = try FDEndpoint.socketPair(kind, options: first, fdOptions: byReads)
    return (a, try FDEndpoint(takingOwnershipOf: descriptor, options: second))
  }
}
