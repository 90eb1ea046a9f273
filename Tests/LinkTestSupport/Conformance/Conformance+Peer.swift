import LinkCore
import LinkSystem

/// The end, when the other side goes.
extension LinkConformance {
  static let peerCases = [
    Case("a peer that goes is reported once, and writes are refused", needs: .noticesEnd) { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        a.close()
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
        try expectEnd(b)
        try expectEqual(atB.snapshot.closeReasons, [.peerDisconnected], "reasons")
        let batch = try batch(payloads(0..<1)[...], for: b, pool: sendingPool(payloads(0..<1)))
        try expectError(.closed, "a write") { () throws(LinkError) in _ = try b.writeBatch(batch) }
        try expectError(.closed, "attach()") { () throws(LinkError) in try b.attach(Inbox()) }
        try expectEqual(atA.waitForClose(), .requested, "reason at the other end")
      }
    },
    Case("what a peer had sent before it went is delivered first", needs: [.noticesEnd, .backPressure]) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        let taken = try fill({ payload($0, 300) }, on: a)
        a.close()
        try expectEnd(a)
        try b.attach(atB)
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
        try expectEqual(atB.snapshot.packets, taken, "packets")
        try expectEqual(atB.snapshot.strayCallbacks, 0, "callbacks after the end")
      }
    },
    Case("what a peer had sent is delivered though it left input unread", needs: .noticesEnd) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (entered, leave) = (Latch(), Latch())
        defer { leave.open() }
        let atA = Inbox(onDelivery: { _ in
          entered.open()
          leave.wait()
        })
        let first = Inbox()
        try a.attach(atA)
        try b.attach(first)
        try send(payloads(0..<1), on: b, first)
        try expect(entered.wait(deadline: deadline()), "no delivery")
        try send(payloads(1..<6), on: b, first)
        b.detach()
        try send(payloads(0..<10), on: a, atA)
        a.close()
        leave.open()
        try expectEnd(a)
        let atB = Inbox()
        try b.attach(atB)
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
        try expectEqual(atB.snapshot.packets.map(number), Array(0..<10), "packets")
      }
    },
    Case("a writer learns that its peer went", needs: .noticesEnd) { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let thread = try SystemThread(name: "peer") {
          _ = atB.waitForPackets(50)
          b.close()
        }
        do {
          try send(payloads(0..<100_000, 60), on: a, atA)
        } catch let error as LinkError { try expectEqual(error.code, .closed, "a write") }
        try expectEqual(atA.waitForClose(), .peerDisconnected, "reason")
        thread.join()
      }
    },
    Case("a peer that goes while deliveries starve is reported all the same", needs: [.noticesEnd, .wholePool]) {
      factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try factory.withPair(LinkOptions(), options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<12), on: a, atA)
        _ = atB.waitForPackets(4)
        a.close()
        try expectEnd(a)
        var released = 0
        while atB.snapshot.closeReasons.isEmpty, released < 12 {
          try expect(eventually { kept.count > 0 || !atB.snapshot.closeReasons.isEmpty }, "neither packets nor the end")
          released += kept.releaseAll()
        }
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
        try expectEqual(atB.snapshot.packets.map(number), Array(0..<12), "packets")
      }
    },
    Case(
      "a peer that goes and leaves nothing ends a link whose packets are all kept", needs: [.noticesEnd, .wholePool]
    ) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try factory.withPair(LinkOptions(), options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<4), on: a, atA)
        try expect(eventually { b.statistics[.starvation] > 0 }, "no starvation")
        a.close()
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
        try expectEqual(kept.count, 4, "packets kept")
      }
    },
    Case(
      "a peer that goes ends a link whose packets are all kept until there is room",
      needs: [.noticesEnd, .backPressure, .wholePool]
    ) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try factory.withPair(LinkOptions(), options) { a, b in
        try prime(a, b)
        let kept = Keeper()
        let (entered, leave, closing, room) = (Latch(), Latch(), Latch(), Latch())
        defer { leave.open() }
        // `a` stops reading in its first delivery, so `b` runs out of room.
        let atA = Inbox(onDelivery: { _ in
          entered.open()
          leave.wait()
        })
        let atB = Inbox(
          onDelivery: { if !room.isOpen { kept.takeAll(&$0) } },
          onRoom: {
            // What the first delivery gave back is not what this is about.
            guard closing.isOpen else { return }
            room.open()
            _ = kept.releaseAll()
          })
        try a.attach(atA)
        try b.attach(atB)
        _ = try fill({ payload($0, 300) }, on: b)
        try expect(entered.wait(deadline: deadline()), "no delivery")
        _ = try fill({ payload($0, 300) }, on: b)
        try send(payloads(0..<12), on: a, atA)
        try expect(eventually { b.statistics[.starvation] > 0 }, "no starvation")
        closing.open()
        a.close()
        leave.open()
        try expectEnd(a)
        try expectEqual(atB.waitForClose(), .peerDisconnected, "reason")
      }
    },
  ]
}
