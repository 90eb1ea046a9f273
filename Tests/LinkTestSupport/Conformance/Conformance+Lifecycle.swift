import LinkCore
import LinkSystem

/// Idle, attached, idle again.
extension LinkConformance {
  static let lifecycleCases = [
    Case("an idle link sends nothing and says so") { factory in
      try factory.withPair { a, _ in
        try expect(!a.isAttached, "attached when made")
        let batch = try batch(payloads(0..<1)[...], for: a, pool: sendingPool(payloads(0..<1)))
        try expectError(.notAttached, "a write") { () throws(LinkError) in _ = try a.writeBatch(batch) }
        try a.attach(Inbox())
        try expect(a.isAttached, "not attached after attach()")
        a.detach()
        try expect(!a.isAttached, "attached after detach()")
        try expectError(.notAttached, "a write") { () throws(LinkError) in _ = try a.writeBatch(batch) }
        try expectEqual(a.statistics.sent.offered, 0, "offered")
      }
    },
    Case("attaching twice is refused and changes nothing") { factory in
      try factory.withPair { a, b in
        let (atA, atB, other) = (Inbox(), Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try expectError(.alreadyAttached, "attach()") { () throws(LinkError) in try b.attach(other) }
        try send(payloads(0..<3), on: a, atA)
        try expectEqual(atB.waitForPackets(3).count, 3, "packets")
        try expectEqual(other.snapshot.packets.count, 0, "packets at the other dispatcher")
      }
    },
    Case("detach without attach does nothing") { factory in
      try factory.withPair { a, b in
        a.detach()
        a.detach()
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<3), on: a, atA)
        try expectEqual(atB.waitForPackets(3).count, 3, "packets")
      }
    },
    Case("no delivery is running or begins once detach returned, and nothing is lost") { factory in
      try factory.withPair { a, b in
        let atA = Inbox()
        try a.attach(atA)
        var seen: [[UInt8]] = []
        for round in 0..<100 {
          let inbox = Inbox()
          try b.attach(inbox)
          try send(payloads(round * 5..<round * 5 + 5), on: a, atA)
          if round % 3 == 0 { _ = inbox.waitForPackets(1) }
          b.detach()
          let record = inbox.snapshot
          try send([], on: a, atA)
          seen += record.packets
          try expectEqual(inbox.snapshot.packets.count, record.packets.count, "packets after detach")
          try expectEqual(record.closeReasons.count, 0, "linkDidClose calls")
        }
        let last = Inbox()
        try b.attach(last)
        seen += last.waitForPackets(500 - seen.count)
        try expectEqual(seen.map(number), Array(0..<500), "packets")
      }
    },
    Case("detach waits for the delivery under way") { factory in
      try factory.withPair { a, b in
        let (entered, leave, detached) = (Latch(), Latch(), Latch())
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
        let thread = try SystemThread(name: "detach") {
          b.detach()
          detached.open()
        }
        try expect(!detached.wait(deadline: deadline(after: .milliseconds(10))), "detach() came back in a delivery")
        leave.open()
        try expect(detached.wait(deadline: deadline()), "detach() did not come back")
        thread.join()
      }
    },
    Case("detach and attach again from inside a delivery") { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      try factory.withPair(LinkOptions(), options) { a, b in
        try prime(a, b)
        let (atA, next) = (Inbox(), Inbox())
        let failures = Counter()
        let first = Inbox(onDelivery: { _ in
          b.detach()
          do { try b.attach(next) } catch { failures.add(1) }
        })
        try a.attach(atA)
        try send(payloads(0..<20), on: a, atA)
        try b.attach(first)
        let begun = first.waitForPackets(1).count
        let rest = next.waitForPackets(20 - begun)
        try expectEqual((first.snapshot.packets + rest).map(number), Array(0..<20), "packets")
        try expectEqual(first.snapshot.batchSizes.count, 1, "deliveries to the first")
        try expectEqual(failures.value, 0, "refused attachments")
      }
    },
    Case("packets wait while a link is idle") { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try send(payloads(0..<30), on: a, atA)
        a.detach()
        try b.attach(atB)
        try expectEqual(atB.waitForPackets(30), payloads(0..<30), "packets")
      }
    },
    Case("a dispatcher is let go with detach and with the end") { factory in
      try factory.withPair { a, b in
        weak var first: Inbox?
        weak var second: Inbox?
        do {
          let inbox = Inbox()
          first = inbox
          try a.attach(inbox)
          a.detach()
        }
        try expect(eventually { first == nil }, "the dispatcher is kept after detach()")
        do {
          let inbox = Inbox()
          second = inbox
          try b.attach(inbox)
          b.close()
        }
        try expectEnd(b)
        try expect(eventually { second == nil }, "the dispatcher is kept after the end")
      }
    },
  ]
}
