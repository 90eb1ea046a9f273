import LinkCore

/// Sends a prefix without blocking; says when there is room again.
extension LinkConformance {
  static let backpressureCases = [
    Case("an empty span is no packets, not an error") { factory in
      try factory.withPair { a, _ in
        try a.attach(Inbox())
        let batch = PacketBatch(capacity: 4, pool: sendingPool([]))
        try expectEqual(try a.writeBatch(batch), 0, "taken")
        try expectEqual(a.statistics.sent.batches, 0, "batches")
      }
    },
    Case("a full link takes exactly what it says and announces room", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        let taken = try fill({ payload($0, 700) }, on: a)
        try expectEqual(a.statistics.sent.packets, UInt64(1 + taken.count), "statistics")
        // Nobody reads: the next write takes none.
        let more = try batch(payloads(0..<1, 700)[...], for: a, pool: sendingPool(payloads(0..<1, 700)))
        try expectError(.wouldBlock, "a write to a full link") { () throws(LinkError) in _ = try a.writeBatch(more) }
        try expectEqual(atA.roomCalls, 0, "linkHasRoom() calls while full")
        try b.attach(atB)
        try expect(atA.waitForRoom(after: 0), "linkHasRoom() did not come")
        try expectEqual(atB.waitForPackets(taken.count), taken, "packets")
        let rest = (taken.count..<taken.count + 500).map { payload($0, 700) }
        try send(rest, on: a, atA)
        try expectEqual(atB.waitForPackets(taken.count + 500), taken + rest, "packets")
      }
    },
    Case("room is announced once per stall", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        var total = 0
        for stall in 1...5 {
          total += try fill({ payload($0, 700) }, on: a).count
          try b.attach(atB)
          try expect(atA.waitForRoom(after: stall - 1), "linkHasRoom() did not come")
          try expectEqual(atB.waitForPackets(total).count, total, "packets")
          b.detach()
          try expectEqual(atA.roomCalls, stall, "linkHasRoom() calls")
        }
      }
    },
    Case("room is announced once though a later write took everything", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        let taken = try fill({ payload($0, 700) }, on: a).count
        try b.attach(atB)
        _ = atB.waitForPackets(taken)
        try send(payloads(0..<10), on: a, atA)
        _ = atB.waitForPackets(taken + 10)
        try expect(atA.waitForRoom(after: 0), "linkHasRoom() did not come")
        // What would come a second time comes before the end.
        a.close()
        _ = atA.waitForClose()
        try expectEqual(atA.roomCalls, 1, "linkHasRoom() calls")
      }
    },
    Case("packets may be written from linkHasRoom", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        try prime(a, b)
        let next = Counter()
        let atA = Inbox(onRoom: {
          do {
            while next.value < 4000 {
              let list = payloads(next.value..<min(next.value + 32, 4000), 700)
              let batch = try batch(list[...], for: a, pool: sendingPool(list))
              let count = try writeSome(batch, from: 0, on: a)
              next.value += count
              if count < list.count { return }
            }
          } catch { next.value = -1_000_000 }
        })
        let atB = Inbox()
        try a.attach(atA)
        next.value = try fill({ payload($0, 700) }, on: a, limit: 4000).count
        try b.attach(atB)
        try expectEqual(atB.waitForPackets(4000).map(number), Array(0..<4000), "packets")
      }
    },
  ]
}
