import LinkCore
import LinkSystem

/// The end, when this side asks for it.
extension LinkConformance {
  static let closingCases = [
    Case("close ends an attached link once, with its reason") { factory in
      try factory.withPair { a, _ in
        let inbox = Inbox()
        try a.attach(inbox)
        a.close()
        a.close()
        try expectEnd(a)
        try expectEnd(a)
        a.close()
        a.detach()
        try expectEqual(inbox.snapshot.closeReasons, [.requested], "reasons")
        try expect(!a.isAttached, "attached after the end")
        let batch = try batch(payloads(0..<1)[...], for: a, pool: sendingPool(payloads(0..<1)))
        try expectError(.closed, "a write") { () throws(LinkError) in _ = try a.writeBatch(batch) }
        try expectError(.closed, "attach()") { () throws(LinkError) in try a.attach(Inbox()) }
      }
    },
    Case("an idle link closes, also one that was attached before") { factory in
      try factory.withPair { a, b in
        let inbox = Inbox()
        try b.attach(inbox)
        b.detach()
        for link in [a, b] {
          link.close()
          try expectEnd(link)
          try expectError(.closed, "attach()") { () throws(LinkError) in try link.attach(Inbox()) }
        }
        try expectEqual(inbox.snapshot.closeReasons, [], "reasons at a detached dispatcher")
      }
    },
    Case("close from inside a delivery ends after that delivery") { factory in
      var options = LinkOptions()
      options.batchCapacity = 2
      try factory.withPair(LinkOptions(), options) { a, b in
        try prime(a, b)
        let atA = Inbox()
        let refused = Counter()
        let atB = Inbox(
          onDelivery: { _ in
            b.close()
            do throws(LinkError) { try b.wait() } catch { if error.code == .wouldDeadlock { refused.add(1) } }
          },
          onClose: { _ in
            do throws(LinkError) { try b.wait() } catch { if error.code == .wouldDeadlock { refused.add(1) } }
            b.close()
            b.detach()
          })
        try a.attach(atA)
        try send(payloads(0..<10), on: a, atA)
        try b.attach(atB)
        try expectEqual(atB.waitForClose(), .requested, "reason")
        try expectEnd(b)
        let record = atB.snapshot
        try expectEqual(record.batchSizes.count, 1, "deliveries")
        try expectEqual(record.closeReasons.count, 1, "linkDidClose calls")
        try expectEqual(record.strayCallbacks, 0, "callbacks at the same time or after the end")
        try expectEqual(refused.value, 2, "refused waits")
      }
    },
    Case("close from another thread in the middle of traffic") { factory in
      for round in 0..<30 {
        try factory.withPair { a, b in
          let (atA, atB) = (Inbox(), Inbox())
          try a.attach(atA)
          try b.attach(atB)
          let victim = round % 2 == 0 ? b : a
          let closed = Latch()
          let thread = try SystemThread(name: "close") {
            _ = atB.waitForPackets(1 + round * 3)
            victim.close()
            closed.open()
          }
          do { try send(payloads(0..<2000), on: a, atA) } catch let error as LinkError {
            try expectEqual(error.code, .closed, "a write to a link that closes")
          }
          try expect(closed.wait(deadline: deadline()), "close() did not return")
          thread.join()
          try expectEnd(victim)
          let record = (victim === a ? atA : atB).snapshot
          try expectEqual(record.closeReasons.count, 1, "linkDidClose calls")
          try expectEqual(record.strayCallbacks, 0, "callbacks at the same time or after the end")
          let seen = atB.snapshot.packets.map(number)
          try expectEqual(seen, Array(0..<seen.count), "packets")
        }
      }
    },
    Case("close from many threads at once") { factory in
      for _ in 0..<30 {
        try factory.withPair { a, _ in
          let inbox = Inbox()
          try a.attach(inbox)
          try concurrently(4) { _ in
            a.close()
            do { try a.wait() } catch {}
          }
          try expectEqual(inbox.snapshot.closeReasons, [.requested], "reasons")
        }
      }
    },
    Case("close does not wait for a delivery under way") { factory in
      try factory.withPair { a, b in
        let (entered, leave) = (Latch(), Latch())
        defer { leave.open() }
        let atA = Inbox()
        let atB = Inbox(onDelivery: { _ in
          entered.open()
          leave.wait()
        })
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<1), on: a, atA)
        try expect(entered.wait(deadline: deadline()), "no delivery")
        try expect(inThread { b.close() } != nil, "close() waits for a delivery")
        try expectEqual(atB.snapshot.closeReasons, [], "reasons before the end of the delivery")
        leave.open()
        try expectEqual(atB.waitForClose(), .requested, "reason")
        try expectEnd(b)
      }
    },
    Case("close while a writer is stalled", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let atA = Inbox()
        try a.attach(atA)
        _ = try fill({ payload($0, 700) }, on: a)
        a.close()
        try expectEnd(a)
        try expectEqual(atA.snapshot.closeReasons, [.requested], "reasons")
      }
    },
    Case("close while deliveries starve", needs: .wholePool) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try factory.withPair(LinkOptions(), options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<8), on: a, atA)
        try expect(eventually { b.statistics[.starvation] > 0 }, "no starvation")
        b.close()
        try expectEqual(atB.waitForClose(), .requested, "reason")
        try expectEnd(b)
        try expectEqual(kept.releaseAll(), 4, "packets kept")
      }
    },
    Case("close from inside linkHasRoom", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let atA = Inbox(onRoom: { a.close() })
        try a.attach(atA)
        _ = try fill({ payload($0, 700) }, on: a)
        try b.attach(Inbox())
        try expectEqual(atA.waitForClose(), .requested, "reason")
        try expectEnd(a)
        let record = atA.snapshot
        try expectEqual(record.roomCalls, 1, "linkHasRoom calls")
        try expectEqual(record.strayCallbacks, 0, "callbacks at the same time or after the end")
      }
    },
    Case("200 links open, work and close") { factory in
      try cycles(factory.traits == .all ? 200 : 20, factory)
    },
  ]

  /// Opens a pair, attaches, sends both ways, detaches, closes. For leak tests too.
  package static func cycles(_ count: Int, _ factory: LinkPairFactory) throws {
    for round in 0..<count {
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<3), on: a, atA)
        _ = atB.waitForPackets(3)
        try send(payloads(0..<3), on: b, atB)
        try expectEqual(atA.waitForPackets(3).count, 3, "packets in round \(round)")
        // Either goes first, and either closes attached or idle.
        let (first, second) = round % 2 == 0 ? (a, b) : (b, a)
        if round % 3 != 0 { first.detach() }
        first.close()
        try expectEnd(first)
        if round % 3 != 1 { second.detach() }
        second.close()
        try expectEnd(second)
      }
    }
  }
}
