import LinkCore
import LinkSystem

/// Packets arrive: unchanged, in order, once, both ways.
extension LinkConformance {
  static let deliveryCases = [
    Case("packets of every size arrive unchanged, both ways") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let sizes = [1, 2, 13, 14, 15, 19, 20, 63, 64, 65, 127, 128, 129, 255, 256, 257, 1023, 1499, 1500]
        let there = sizes.enumerated().map { payload($0, $1) }
        let back = sizes.reversed().enumerated().map { payload(1000 + $0, $1) }
        try send(there, on: a, atA)
        try send(back, on: b, atB)
        // The short ones have no addresses, and so are of another flow.
        try factory.expectPackets(there, at: atB)
        try factory.expectPackets(back, at: atA)
      }
    },
    Case("any first byte is delivered", needs: .anyByte) { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let packets: [[UInt8]] = (0...255).map { [UInt8($0), 1, 2, 3] }
        try send(packets, on: a, atA)
        try factory.expectPackets(packets, at: atB)
      }
    },
    Case("packets of the largest MTU arrive unchanged") { factory in
      let mtu = factory.largestMTU
      try factory.withPair(LinkOptions(mtu: mtu), LinkOptions(mtu: mtu)) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let packets = (0..<30).map { payload($0, mtu - $0 % 3) }
        try send(packets, on: a, atA)
        try expectEqual(atB.waitForPackets(30).map(\.count), packets.map(\.count), "sizes")
        try expectEqual(atB.snapshot.packets, packets, "packets")
      }
    },
    Case("thousands of packets arrive in order") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        var random = SeededRandom("\(factory.name): order")
        let packets = (0..<3000).map { payload($0, Int.random(in: factory.leastOfOneFlow...1500, using: &random)) }
        try send(packets, on: a, atA)
        try expectEqual(atB.waitForPackets(3000).map(number), Array(0..<3000), "seed \(random.seed)")
        try expectEqual(atB.snapshot.packets, packets, "seed \(random.seed)")
      }
    },
    Case("a delivery has at most as many packets as the options say") { factory in
      var options = LinkOptions()
      options.batchCapacity = 3
      try factory.withPair(LinkOptions(), options) { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try send(payloads(0..<20), on: a, atA)
        try b.attach(atB)
        try expectEqual(atB.waitForPackets(20), payloads(0..<20), "packets")
        let sizes = atB.snapshot.batchSizes
        try expect(sizes.allSatisfy { (1...3).contains($0) }, "deliveries of \(sizes) packets")
      }
    },
    Case("an echo brings everything back") { factory in
      try factory.withPair { a, b in
        try factory.settleFlow(a, b)
        let atA = Inbox()
        let atB = Inbox(onDelivery: { packets in
          var sent = 0
          let end = deadline()
          // A link that cannot take an echo at once has it offered again.
          while sent < packets.count, monotonicNanoseconds() < end {
            do throws(LinkError) { sent += try b.writeBatch(packets, from: sent) } catch {
              if error.code != .wouldBlock { return }
            }
          }
        })
        try a.attach(atA)
        try b.attach(atB)
        for round in 0..<50 {
          let packets = payloads(round * 40..<round * 40 + 40, 300)
          try send(packets, on: a, atA)
          try expectEqual(atA.waitForPackets((round + 1) * 40).count, (round + 1) * 40, "echoes")
        }
        try expectEqual(atA.snapshot.packets, payloads(0..<2000, 300), "echoes")
      }
    },
  ]
}
