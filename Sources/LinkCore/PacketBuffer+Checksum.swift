extension PacketBuffer {
  /// Computes the checksum that the packet's facts say is needed, and says that it is there. Throws `malformed`, with
  /// nothing changed, where the packet has no such place.
  package mutating func finishChecksum() throws(OffloadFailure) {
    let offload = facts.offload
    guard offload.checksum == .needed else { return }
    let start = Int(offload.checksumStart)
    let field = start + Int(offload.checksumOffset)
    guard field + 2 <= byteCount else { throw OffloadFailure(cause: .malformed) }
    withMutableBytes { $0.storeChecksum(from: start, at: field) }
    facts.offload.checksum = .complete
    facts.offload.checksumStart = 0
    facts.offload.checksumOffset = 0
  }
}

extension MutableSpan<UInt8> {
  /// Stores the checksum of everything from `start` on at `field`, where the sum of the pseudo header lies.
  mutating func storeChecksum(from start: Int, at field: Int) {
    var sum = InternetChecksum()
    sum.add(span.extracting(start..<count))
    // For UDP a zero says that there is none; for the others both mean the same.
    store(sum.checksum == 0 ? 0xffff : sum.checksum, at: field)
  }
}
