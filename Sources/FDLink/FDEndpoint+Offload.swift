import LinkCore

extension FDEndpoint: HoldingLink {
  package var holdsPackets: Bool { group.links.contains { $0.holdsPackets } }
}

extension InjectableEndpoint: HoldingLink {
  package var holdsPackets: Bool { link.holdsPackets }
}
