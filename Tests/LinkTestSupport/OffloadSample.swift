package import LinkCore

/// A packet that leaves something to a link.
package struct OffloadSample: Sendable {
  package struct Failure: Error, CustomStringConvertible {
    package let description: String
    package init(description: String) { self.description = description }
  }

  /// A packet that came, without its link header, and its facts.
  package struct Arrival: Equatable, Sendable {
    package var bytes: [UInt8]
    package var offload: PacketOffload

    package init(_ bytes: [UInt8], _ offload: PacketOffload = PacketOffload()) {
      self.bytes = bytes
      self.offload = offload
    }

    package init(_ packet: borrowing PacketBuffer) {
      self.init(packet.withBytes { bytes in bytes.indices.map { bytes[$0] } }, packet.facts.offload)
    }
  }

  package var packet = InternetPacket()
  package var size = 0
  package var change: @Sendable (inout PacketOffload) -> Void = { _ in }

  private static let pattern = (0..<66_000).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 &>> 8) }

  /// Number by number: TCP and UDP over both IPs of many segments, a packet that needs a checksum only.
  package init(_ number: Int, payload: Int? = nil) {
    packet.isTCP = number % 4 != 2
    packet.isIPv6 = number % 3 == 1
    packet.sourcePort = UInt16(truncatingIfNeeded: number)
    packet.sequence = UInt32(truncatingIfNeeded: number &* 100_003)
    packet.identification = UInt16(truncatingIfNeeded: number &* 77)
    let isWhole = number % 5 == 4
    size = isWhole ? 0 : 1000
    let count = isWhole ? 900 : payload ?? (number % 7 == 0 ? 30_000 : 3000 + number)
    packet.payload = Array(Self.pattern[number % 256..<number % 256 + count])
  }

  package var segmentCount: Int { size == 0 ? 1 : max(1, (packet.payload.count + size - 1) / size) }

  package var offload: PacketOffload {
    var offload = packet.offload(segmentByteCount: size, linkHeaderLength: 0)
    change(&offload)
    return offload
  }

  /// The packets in one batch, 64 at most, with link headers where the link has them.
  package static func batch(_ samples: [OffloadSample], for link: (any LinkEndpoint)? = nil) throws(LinkError)
    -> PacketBatch
  {
    let packets = samples.map { $0.packet.frame }
    let most = packets.reduce(0) { max($0, $1.count) }
    var batch = PacketBatch(
      capacity: samples.count, pool: PacketPool(frameByteCount: most + 14, capacity: samples.count))
    for (index, bytes) in packets.enumerated() {
      batch.append { packet in
        packet.append(bytes.count) { for index in bytes.indices { $0[index] = bytes[index] } }
        packet.facts.offload = samples[index].offload
      }
      guard let link else { continue }
      try batch.modify(index) { packet throws(LinkError) in try link.addHeader(to: &packet) }
    }
    return batch
  }

  /// Expects the samples, in order, and nothing else: each as it was, or cut into segments that the MTU allows and whose
  /// sums are right, as far as they do not say that they are left to be computed.
  package static func check(_ arrivals: [Arrival], are samples: [OffloadSample], mtu: Int = 1500) throws(Failure) {
    var rest = arrivals[...]
    for (number, sample) in samples.enumerated() {
      do throws(Failure) { try sample.take(from: &rest, mtu: mtu) } catch {
        throw Failure(
          description: "packet \(number) of \(samples.count), at \(rest.startIndex) of \(arrivals.count): \(error)")
      }
    }
    if !rest.isEmpty { throw Failure(description: "\(rest.count) of \(arrivals.count) frames too many") }
  }

  private func take(from arrivals: inout ArraySlice<Arrival>, mtu: Int) throws(Failure) {
    func expect(_ isTrue: Bool, _ what: String) throws(Failure) {
      if !isTrue { throw Failure(description: what) }
    }
    var payload: [UInt8] = []
    for index in 0..<segmentCount {
      guard let arrival = arrivals.first else { throw Failure(description: "segment \(index) is missing") }
      arrivals.removeFirst()
      if arrival.offload.segmentation != .none {
        return try expect(arrival == Arrival(packet.frame, offload) && index == 0, "a large packet that was changed")
      }
      try expect(arrival.bytes.count <= mtu, "a packet of \(arrival.bytes.count) bytes")
      let isPartial = arrival.offload.checksum == .needed
      guard let segment = InternetPacket(arrival.bytes, linkHeaderByteCount: 0, isChecksumPartial: isPartial) else {
        throw Failure(description: "segment \(index) has wrong sums or lengths")
      }
      try expect(segment.sourcePort == packet.sourcePort && segment.isTCP == packet.isTCP, "another flow")
      if packet.isTCP { try expect(segment.sequence == packet.sequence &+ UInt32(payload.count), "another sequence") }
      if !packet.isIPv6 {
        try expect(segment.identification == packet.identification &+ UInt16(index), "another identification")
      }
      payload += segment.payload
    }
    try expect(payload == packet.payload, "another payload")
  }
}
