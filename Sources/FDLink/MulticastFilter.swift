public import LinkCore

/// Which multicast addresses a link belongs to.
public enum MulticastFilter: Hashable, Sendable {
  /// All.
  case all
  /// These. A packet socket that the link opened itself has its interface hand over frames to them, as long as it is open.
  /// `PACKET_MR_MULTICAST`.
  case only(Set<LinkAddress>)

  func accepts(_ address: LinkAddress) -> Bool {
    switch self {
    case .all: true
    case .only(let addresses): addresses.contains(address) || address == .broadcast
    }
  }

  /// The addresses that interfaces have to be told, as bytes.
  var memberships: [[UInt8]] {
    guard case .only(let addresses) = self else { return [] }
    return addresses.map { address in (0..<6).map { address[$0] } }
  }

  func validate() throws(LinkError) {
    guard case .only(let addresses) = self, let odd = addresses.first(where: { !$0.isMulticast }) else { return }
    throw LinkError(.invalidArgument, "multicast address \(odd): it is that of one interface")
  }
}
