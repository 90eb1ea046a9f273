import FDLink
import LinkCore
import SharedMemLink

/// What a link does not hand on it does itself: cuts packets, computes checksums.
extension LinkConformance {
  static let offloadCases = [
    Case("packets with many segments arrive cut, with checksums, in order", needs: .anyByte) { factory in
      try factory.withPair(cutting) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let packets = (0..<24).map { OffloadSample($0) }
        try send(packets, on: a, atA)
        let expected = packets.reduce(0) { $0 + $1.segmentCount }
        try expectWhole(atB.waitForPackets(expected), packets, from: a, factory)
        let changed = packets.count { $0.size > 0 || !handsOnChecksums(a) }
        try expectEqual(a.statistics.sent[.softwareOffload], UInt64(changed), "packets that were changed")
        try expectEqual(a.statistics.sent.packets, UInt64(expected), "packets that were sent")
      }
    },
    Case("what a full link had no room for follows by itself", needs: [.backPressure, .anyByte]) { factory in
      try factory.withPair(cutting) { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        let packets = try fill(on: a)
        try b.attach(atB)
        let expected = packets.reduce(0) { $0 + $1.segmentCount }
        try expectWhole(atB.waitForPackets(expected), packets, from: a, factory)
        try expect(atA.waitForRoom(after: 0), "linkHasRoom() did not come")
        try expectEqual(a.statistics.sent.offered, UInt64(expected + 1), "statistics")
      }
    },
    Case("a write of very many segments goes on when room is announced", needs: [.backPressure, .anyByte]) { factory in
      try factory.withPair(cutting) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let packets = (0..<40).map { OffloadSample(7 * $0) }
        let batch = try OffloadSample.batch(packets, for: a)
        var taken = 0
        while taken < batch.count {
          let seen = atA.roomCalls
          taken += try writeSome(batch, from: taken, on: a)
          if taken < batch.count { try expect(atA.waitForRoom(after: seen), "linkHasRoom() did not come") }
        }
        let expected = packets.reduce(0) { $0 + $1.segmentCount }
        try expectWhole(atB.waitForPackets(expected), packets, from: a, factory)
      }
    },
    Case("nothing passes what a full link had no room for", needs: [.backPressure, .anyByte]) { factory in
      try factory.withPair(cutting) { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        var packets = try fill(on: a)
        try b.attach(atB)
        let more = (packets.count..<packets.count + 50).map { OffloadSample($0) }
        try send(more, on: a, atA)
        packets += more
        let expected = packets.reduce(0) { $0 + $1.segmentCount }
        try expectWhole(atB.waitForPackets(expected), packets, from: a, factory)
      }
    },
    Case("what a link held back when it was closed is counted", needs: [.backPressure, .anyByte]) { factory in
      try factory.withPair(cutting) { a, b in
        try prime(a, b)
        let atA = Inbox()
        try a.attach(atA)
        let packets = try fill(on: a)
        // While nobody is attached it stays.
        a.detach()
        try a.attach(atA)
        a.close()
        try expectEnd(a)
        let sent = a.statistics.sent
        try expectEqual(sent.offered, UInt64(1 + packets.reduce(0) { $0 + $1.segmentCount }), "statistics")
        try expectEqual(sent.dropped, sent[.linkDown], "drops")
      }
    },
    Case("packets that cannot be cut are dropped and counted", needs: .anyByte) { factory in
      try factory.withPair(cutting) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        var liar = OffloadSample(0)
        liar.size = 0
        liar.change = { $0.segmentation = .tcpOverIPv4 }
        var giant = OffloadSample(0)
        giant.packet.payload = [UInt8](repeating: 1, count: 60_000)
        var wide = OffloadSample(0)
        wide.size = 1461
        var fragments = OffloadSample(0)
        fragments.change = { $0.segmentation = .udpFragments }
        try send([liar, giant, wide, fragments, OffloadSample(1)], on: a, atA)
        try expectWhole(atB.waitForPackets(OffloadSample(1).segmentCount), [OffloadSample(1)], from: a, factory)
        try expectEqual(a.statistics.sent[.malformed], 2, "malformed packets")
        try expectEqual(a.statistics.sent[.oversize], 2, "packets that are too large")
      }
    },
  ]

  private static var cutting: LinkOptions {
    var options = LinkOptions()
    options.segmentation = SegmentationSupport(kind: .software, maxByteCount: 60_000)
    return options
  }

  private static func handsOnChecksums(_ link: any LinkEndpoint) -> Bool {
    if let link = link as? FDEndpoint { return link.offloads.contains(.checksum) }
    return (link as? SharedMemEndpoint)?.hasVirtioNetHeader == true
  }

  /// The packets that a link takes until it is full, one by one.
  private static func fill(on link: any LinkEndpoint) throws -> [OffloadSample] {
    var packets: [OffloadSample] = []
    while packets.count < 10_000 {
      let next = OffloadSample(packets.count)
      if try writeSome(try OffloadSample.batch([next], for: link), from: 0, on: link) == 0 { return packets }
      packets.append(next)
    }
    throw ConformanceFailure(message: "a link that is never full", file: #fileID, line: #line)
  }

  private static func send(_ packets: [OffloadSample], on link: any LinkEndpoint, _ inbox: Inbox) throws {
    for packet in packets {
      let batch = try OffloadSample.batch([packet], for: link)
      let end = deadline()
      while true {
        let seen = inbox.roomCalls
        if try writeSome(batch, from: 0, on: link) == 1 { break }
        try expect(inbox.waitForRoom(after: seen, deadline: end), "linkHasRoom() did not come")
      }
    }
  }

  /// Expects the segments of these packets, and nothing else.
  private static func expectWhole(
    _ segments: [[UInt8]], _ packets: [OffloadSample], from link: any LinkEndpoint, _ factory: LinkPairFactory
  ) throws {
    var facts = PacketOffload()
    if handsOnChecksums(link) { facts.checksum = .needed }
    var segments = segments
    if !factory.traits.contains(.globalOrder) {
      // Each packet is a flow of its own.
      let flows = Dictionary(grouping: segments) {
        InternetPacket($0, linkHeaderByteCount: 0, isChecksumPartial: facts.checksum == .needed)?.sourcePort ?? 0
      }
      segments = flows.sorted { $0.key < $1.key }.flatMap(\.value)
    }
    try OffloadSample.check(segments.map { OffloadSample.Arrival($0, facts) }, are: packets)
  }
}
