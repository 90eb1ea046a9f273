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
        name: "datagram sockets, \(framing)", isEthernet: isEthernet, traits: [.backPressure, .anyByte, .anyLength]
      ) { first, second in try sockets(.datagram, first, second) },
    ]
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
