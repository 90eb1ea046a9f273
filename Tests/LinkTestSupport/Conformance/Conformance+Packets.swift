package import LinkCore
import LinkSystem

/// Packets that a dispatcher keeps, and batches that it exchanges.
extension LinkConformance {
  static let packetCases = [
    Case("packets that were taken stay as they are") { factory in
      try factory.withPair { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0, every: 2) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<100), on: a, atA)
        try expectEqual(atB.waitForPackets(100), payloads(0..<100), "packets")
        try send(payloads(100..<160), on: a, atA)
        _ = atB.waitForPackets(160)
        b.close()
        try expectEnd(b)
        let contents = kept.contents
        try expect(contents.count >= 80, "\(contents.count) packets were kept")
        try expectEqual(contents, contents.map { payload(number($0), 100) }, "packets that were kept")
      }
    },
    Case("an empty pool is counted, and delivery goes on when packets come home", needs: .wholePool) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 8)
      try factory.withPair(LinkOptions(), options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<40), on: a, atA)
        for round in 1...5 {
          try expectEqual(atB.waitForPackets(round * 8).count, round * 8, "packets in round \(round)")
          if round < 5 {
            try expect(
              eventually { b.statistics.received[.starvation] >= UInt64(round) }, "starvation in round \(round)")
          }
          try expect(eventually { kept.count == 8 }, "\(kept.count) packets were kept in round \(round)")
          try expectEqual(atB.snapshot.packets.count, round * 8, "more packets than the pool has")
          _ = kept.releaseAll()
        }
        try expectEqual(atB.snapshot.packets, payloads(0..<40), "packets")
      }
    },
    Case("packets outlive their link") { factory in
      let kept = Keeper()
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<10), on: a, atA)
        _ = atB.waitForPackets(10)
        a.close()
        b.close()
        try expectEnd(a)
        try expectEnd(b)
      }
      try expectEqual(kept.contents, payloads(0..<10), "packets")
      try expectEqual(kept.releaseAll(), 10, "packets")
    },
    Case("a dispatcher may exchange the batch for one of its own") { factory in
      try factory.withPair { a, b in
        let pool = PacketPool(frameByteCount: 1514, capacity: 64)
        let shelf = Shelf(PacketBatch(capacity: 5, pool: pool))
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { shelf.exchange(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        for round in 0..<10 {
          try send(payloads(round * 50..<round * 50 + 50), on: a, atA)
          _ = atB.waitForPackets(round * 50 + 50)
        }
        try expectEqual(atB.snapshot.packets, payloads(0..<500), "packets")
      }
    },
    Case("packets may be written on from the delivery, verbatim") { factory in
      try factory.withPair { a, b in
        try factory.withPair { c, d in
          try prime(c, d)
          let (atA, atC, atD) = (Inbox(), Inbox(), Inbox())
          let lost = Counter()
          let bridge = Inbox(onDelivery: { packets in
            do { lost.add(packets.count - (try c.writeBatch(packets))) } catch { lost.add(packets.count) }
          })
          try a.attach(atA)
          try c.attach(atC)
          try d.attach(atD)
          try b.attach(bridge)
          try send(payloads(0..<50), on: a, atA)
          try expectEqual(atD.waitForPackets(50), payloads(0..<50), "packets")
          try expectEqual(lost.value, 0, "lost")
          try expectEqual(atD.snapshot.headers, bridge.snapshot.headers, "link headers")
        }
      }
    },
  ]
}

/// Keeps packets.
package final class Keeper: Sendable {
  private let list = Monitor([KeptPacket]())

  /// A packet that can stand in an array.
  private final class KeptPacket: Sendable {
    let packet: PacketBuffer
    init(_ packet: consuming PacketBuffer) { self.packet = packet }
  }

  package init() {}

  package func takeAll(_ packets: inout PacketBatch, every step: Int = 1) {
    var taken: [KeptPacket] = []
    for index in 0..<packets.count where index % step == 0 { taken.append(KeptPacket(packets.take(index))) }
    list.withLock { $0 += taken }
  }

  package var count: Int { list.withLock { $0.count } }
  var contents: [[UInt8]] {
    list.withLock { $0.map { $0.packet.withBytes { bytes in bytes.indices.map { bytes[$0] } } } }
  }

  @discardableResult package func releaseAll() -> Int {
    let released = list.withLock { list in
      defer { list = [] }
      return list
    }
    return released.count
  }
}

/// A place for one batch.
final class Shelf: Sendable {
  private let batch: Lock<PacketBatch>
  init(_ batch: consuming sending PacketBatch) { self.batch = Lock(batch) }

  func exchange(_ other: inout PacketBatch) {
    batch.withLock { swap(&$0, &other) }
  }
}
