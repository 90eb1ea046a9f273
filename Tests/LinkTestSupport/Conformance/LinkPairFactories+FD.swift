import FDLink
import LinkCore
import LinkSystem

extension LinkPairFactory {
  package static let descriptors: [LinkPairFactory] = [false, true].map { isEthernet in
    let name = "seqpacket sockets, \(isEthernet ? "Ethernet" : "IP")"
    return LinkPairFactory(name: name, isEthernet: isEthernet) { first, second in
      let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
      let a = try FDEndpoint(takingOwnershipOf: sockets[0], options: first)
      return (a, try FDEndpoint(takingOwnershipOf: sockets[1], options: second))
    }
  }
}
