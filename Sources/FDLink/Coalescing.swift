import LinkCore

extension FDOptions {
  /// Nil if nothing is to be coalesced.
  var coalescer: Coalescer? { gro.isDisjoint(with: .segmentation) ? nil : Coalescer(gro) }
}

extension Coalescer {
  /// Every packet was counted when it came: those that became part of another one are an event besides.
  mutating func coalesce(_ batch: inout PacketBatch, of framing: LinkFraming, counting tally: inout LinkTally) {
    let coalesced = coalesce(&batch, linkHeaderLength: framing.headerLength)
    if coalesced > 0 { tally[.coalescedPacket] &+= UInt64(coalesced) }
  }
}
