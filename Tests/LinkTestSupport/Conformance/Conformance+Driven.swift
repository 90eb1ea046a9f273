import LinkCore
import LinkSystem

/// Links that their owner steps.
extension LinkConformance {
  static let drivenCases = [
    Case("a link driven by its owner steps, waits and ends", needs: .steps) { factory in
      try withDrivenPair(factory) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try expectEqual(b.step(), .notAttached, "a step of an idle link")
        try expect(b.prepareToWait() != nil, "an idle link does not wait for the next attachment")
        try a.attach(atA)
        try b.attach(atB)
        try expectEqual(b.step(), .idle, "a step without packets")
        try send(payloads(0..<100), on: a, atA)
        try drive(b) { atB.snapshot.packets.count == 100 }
        try expectEqual(atB.snapshot.packets, payloads(0..<100), "packets")
        let back = try batch(payloads(0..<10)[...], for: b, pool: sendingPool(payloads(0..<10)))
        var sent = 0
        while sent < back.count {
          let seen = atB.roomCalls
          sent += try writeSome(back, from: sent, on: b)
          if sent < back.count { try drive(b) { atB.roomCalls > seen } }
        }
        try expectEqual(atA.waitForPackets(10), payloads(0..<10), "packets")
        b.detach()
        try expectEqual(b.step(), .notAttached, "a step of a detached link")
        try b.attach(atB)
        b.close()
        try expectEqual(atB.snapshot.closeReasons, [], "reasons before the last step")
        try expectEqual(b.step(), .closed, "the last step")
        try expectEqual(b.step(), .closed, "one step more")
        try expect(b.prepareToWait() == nil, "a closed link has something to wait for")
        try expectEqual(atB.snapshot.closeReasons, [.requested], "reasons")
        try expectEnd(b)
      }
    },
    Case("the wait of a driven link ends for packets, for room and for close", needs: [.steps, .backPressure]) {
      factory in
      try withDrivenPair(factory) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        // For packets that come while it waits.
        let sender = try SystemThread(name: "sender") {
          for number in 0..<50 {
            do { try send([payload(number, 100)], on: a, atA) } catch {}
            _ = atB.waitForPackets(number + 1)
          }
        }
        try drive(b) { atB.snapshot.packets.count == 50 }
        sender.join()
        // For room: its peer reads nothing at first.
        a.detach()
        let taken = try fill({ payload($0, 700) }, on: b)
        try a.attach(atA)
        try drive(b) { atB.roomCalls > 0 }
        try expectEqual(atA.waitForPackets(taken.count), taken, "packets")
        // For close from another thread.
        let closer = try SystemThread(name: "closer") { b.close() }
        try drive(b) { !atB.snapshot.closeReasons.isEmpty }
        closer.join()
        try expectEqual(atB.snapshot.closeReasons, [.requested], "reasons")
      }
    },
    Case("a driven link reports its peer's end", needs: [.steps, .noticesEnd]) { factory in
      try withDrivenPair(factory) { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<20), on: a, atA)
        a.close()
        try expectEnd(a)
        try drive(b) { !atB.snapshot.closeReasons.isEmpty }
        try expectEqual(atB.snapshot.closeReasons, [.peerDisconnected], "reasons")
        try expectEqual(atB.snapshot.packets, payloads(0..<20), "packets")
      }
    },
    Case("a driven link that starves goes on when packets come home", needs: .steps) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try withDrivenPair(factory, options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<8), on: a, atA)
        try drive(b) { atB.snapshot.packets.count == 4 }
        try expectEqual(b.step(), .starved, "a step with an empty pool")
        guard let plan = b.prepareToWait() else {
          throw ConformanceFailure(message: "a starved link has nothing to wait for", file: #fileID, line: #line)
        }
        _ = plan
        let home = try SystemThread(name: "home") { _ = kept.releaseAll() }
        try drive(b) { atB.snapshot.packets.count == 8 }
        home.join()
      }
    },
    Case("a link that starves asks its pool for one wake-up, however often it looks", needs: .steps) { factory in
      var options = LinkOptions()
      options.batchCapacity = 4
      options.pool = PacketPool(frameByteCount: 1514, capacity: 4)
      try withDrivenPair(factory, options) { a, b in
        let kept = Keeper()
        let (atA, atB) = (Inbox(), Inbox(onDelivery: { kept.takeAll(&$0) }))
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<8), on: a, atA)
        try drive(b) { atB.snapshot.packets.count == 4 }
        var plan: LinkWaitPlan?
        for _ in 0..<5 {
          try expectEqual(b.step(), .starved, "a step with an empty pool")
          plan = b.prepareToWait()
        }
        guard let runnersBell = plan?.entries.last?.descriptor else {
          throw ConformanceFailure(message: "a starved link has nothing to wait for", file: #fileID, line: #line)
        }
        _ = kept.releaseAll()
        try expectEqual(try EventCounter.take(runnersBell), 1, "times that the pool rang")
      }
    },
    Case("a step from inside a callback, or during one, does nothing", needs: .steps) { factory in
      try withDrivenPair(factory) { a, b in
        let (entered, leave) = (Latch(), Latch())
        defer { leave.open() }
        let inner = Counter()
        let atA = Inbox()
        let atB = Inbox(onDelivery: { _ in
          if b.step() == .idle { inner.add(1) }
          if b.prepareToWait() == nil { inner.add(1) }
          entered.open()
          leave.wait()
        })
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<1), on: a, atA)
        let driver = try SystemThread(name: "driver") {
          do { try drive(b) { atB.snapshot.packets.count == 1 } } catch {}
        }
        try expect(entered.wait(deadline: deadline()), "no delivery")
        try expectEqual(try inThread { b.step() }, .idle, "a step during another's")
        leave.open()
        driver.join()
        try expectEqual(inner.value, 2, "steps and plans inside a callback that did nothing")
      }
    },
  ]

  private static func withDrivenPair(
    _ factory: LinkPairFactory, _ options: LinkOptions = LinkOptions(),
    _ body: (any LinkEndpoint, any DrivenLink) throws -> Void
  ) throws {
    var options = options
    options.drive = .caller
    try factory.withPair(LinkOptions(), options) { a, b in
      guard let driven = b as? any DrivenLink else { return }
      // A link may have to take a turn before its peer can send to it.
      try b.attach(Inbox())
      _ = driven.step()
      b.detach()
      try body(a, driven)
    }
  }

  /// Steps and waits, as the documentation of `DrivenLink` says, until the condition holds.
  private static func drive(_ link: any DrivenLink, until condition: () -> Bool) throws {
    let end = deadline()
    while !condition() {
      try expect(monotonicNanoseconds() < end, "nothing came of stepping")
      switch link.step() {
      case .delivered: continue
      case .closed, .notAttached:
        return try expect(condition(), "the link ended too early")
      case .idle, .starved:
        // The step may have announced room, which is none of the results.
        if condition() { return }
        guard let plan = link.prepareToWait() else { continue }
        var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
        try expect(plan.entries.count <= 4, "\(plan.entries.count) descriptors")
        for (index, entry) in plan.entries.enumerated() {
          entries[index] = PollEntry(entry.descriptor, PollEvents(rawValue: entry.events))
        }
        let longest = plan.timeout.map { UInt64($0 / .nanoseconds(1)) } ?? .max
        try poll(&entries, nanoseconds: min(longest, 5_000_000_000))
      }
    }
  }
}
