import LinkCore

/// What can never be sent is taken and counted, not sent; all that was offered is counted somewhere.
extension LinkConformance {
  static let dropCases = [
    Case("a packet larger than the MTU is taken, counted and not sent") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try send([payload(0, 1500), payload(1, 1501), payload(2, 60000), payload(3, 20)], on: a, atA)
        try expectEqual(atB.waitForPackets(2).map(number), [0, 3], "packets")
        try expectEqual(a.statistics.sent[.oversize], 2, "oversize")
        try expectEqual(a.statistics.sent.packets, 2, "packets")
        try expectEqual(a.statistics.sent.offered, 4, "offered")
      }
    },
    Case("a packet without the framing of the link is taken, counted and not sent") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        var batch = try batch(payloads(0..<5)[...], for: a, pool: sendingPool(payloads(0..<5)))
        for index in [1, 4] {
          batch.modify(index) { packet in
            if factory.isEthernet { packet.removeLinkHeader() } else { packet.markLinkHeader(14) }
          }
        }
        try sendAll(batch, on: a, atA)
        try expectEqual(atB.waitForPackets(3).map(number), [0, 2, 3], "packets")
        try expectEqual(a.statistics.sent[.unframed], 2, "unframed")
        try expectEqual(a.statistics.sent.offered, 5, "offered")
      }
    },
    Case("a packet of no byte is taken and disturbs nothing") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        var batch = PacketBatch(capacity: 4, pool: sendingPool(payloads(0..<1)))
        for index in 0..<3 {
          let bytes = payload(index, 50)
          batch.append { packet in
            if index != 1 { packet.append(50) { for i in 0..<50 { $0[i] = bytes[i] } } }
          }
          // On an Ethernet link it is a header alone, which is a packet.
          if index != 1 || !factory.isEthernet {
            try batch.modify(index) { packet throws(LinkError) in try a.addHeader(to: &packet) }
          }
        }
        try sendAll(batch, on: a, atA)
        try expectEqual(atB.waitForPackets(2).map(number), [0, 2], "packets")
        try expectEqual(a.statistics.sent.dropped, 1, "drops")
        try send([payload(3, 50)], on: a, atA)
        try expectEqual(atB.waitForPackets(3).map(number), [0, 2, 3], "packets")
        try expect(atB.snapshot.closeReasons.isEmpty, "the link closed")
      }
    },
    Case("a write of packets that can never be sent is not a failure") { factory in
      try factory.withPair { a, _ in
        let atA = Inbox()
        try a.attach(atA)
        let list = [payload(0, 1501), payload(1, 2000)]
        let batch = try batch(list[...], for: a, pool: sendingPool(list))
        try expectEqual(try a.writeBatch(batch), 2, "taken")
        try expectEqual(a.statistics.sent.packets, 0, "packets")
        try expectEqual(a.statistics.sent.dropped, 2, "drops")
      }
    },
    Case("statistics equal an independent count") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        var random = SeededRandom("\(factory.name): statistics")
        let list = (0..<600).map { payload($0, Int.random(in: factory.leastOfOneFlow...1700, using: &random)) }
        let good = list.filter { $0.count <= 1500 }
        try send(list, on: a, atA)
        try expectEqual(atB.waitForPackets(good.count), good, "seed \(random.seed)")
        let headers = good.count * a.maxHeaderLength
        let bytes = UInt64(good.reduce(headers) { $0 + $1.count })
        // Published by the worker before or after the delivery.
        try expect(eventually { b.statistics.received.packets == UInt64(good.count) }, "received packets")
        let (sent, received) = (a.statistics.sent, b.statistics.received)
        try expectEqual(sent.packets, UInt64(good.count), "sent packets")
        try expectEqual(sent.bytes, bytes, "sent bytes")
        try expectEqual(sent.offered, 600, "offered")
        try expectEqual(sent[.oversize], UInt64(600 - good.count), "oversize")
        try expectEqual(received.bytes, bytes, "received bytes")
        try expectEqual(received.dropped, 0, "received drops")
        try expectEqual(received.batches, UInt64(atB.snapshot.batchSizes.count), "deliveries")
        try expectEqual(b.statistics.sent, LinkTally(), "sent by the other end")
      }
    },
  ]
}
