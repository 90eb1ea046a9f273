import LinkCore
import LinkSystem

/// Many threads at one link.
extension LinkConformance {
  static let threadCases = [
    Case("packets of several senders arrive once each, in the order of each") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let (threads, each) = (4, 800)
        let failures = Monitor([String]())
        try concurrently(threads) { thread in
          do {
            // Another sender may have been told of the room.
            try send(payloads(thread * each..<(thread + 1) * each), on: a, atA, patience: .milliseconds(2))
          } catch { failures.withLock { $0.append("\(error)") } }
        }
        try expectEqual(failures.withLock { $0 }, [], "failures")
        let numbers = atB.waitForPackets(threads * each).map(number)
        for thread in 0..<threads {
          let own = numbers.filter { $0 / each == thread }
          try expectEqual(own, Array(thread * each..<(thread + 1) * each), "packets of thread \(thread)")
        }
        try expectEqual(numbers.count, threads * each, "packets")
        try expectEqual(a.statistics.sent.packets, UInt64(threads * each), "sent")
      }
    },
    Case("both directions at once") { factory in
      try factory.withPair { a, b in
        try factory.settleFlow(a, b)
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let failures = Monitor([String]())
        try concurrently(2) { thread in
          do {
            try send(payloads(0..<3000, 400), on: thread == 0 ? a : b, thread == 0 ? atA : atB)
          } catch { failures.withLock { $0.append("\(error)") } }
        }
        try expectEqual(failures.withLock { $0 }, [], "failures")
        for inbox in [atA, atB] {
          try expectEqual(inbox.waitForPackets(3000).map(number), Array(0..<3000), "packets")
        }
      }
    },
    Case("everything may be asked and set from any thread at any time") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let failures = Monitor([String]())
        try concurrently(3) { thread in
          do {
            switch thread {
            case 0: try send(payloads(0..<1500), on: a, atA)
            case 1:
              for round in 0..<300 {
                a.mtu = 1500 + round % 7
                a.linkAddress = LinkAddress(2, 0, 0, 0, 1, UInt8(round % 256))
                _ = (a.statistics, a.capabilities, a.isAttached, a.segmentation, a.hardwareType)
              }
            default:
              for _ in 0..<100 {
                b.detach()
                try b.attach(atB)
              }
            }
          } catch { failures.withLock { $0.append("\(error)") } }
        }
        try expectEqual(failures.withLock { $0 }, [], "failures")
        try expectEqual(atB.waitForPackets(1500).map(number), Array(0..<1500), "packets")
        try expectEqual(atB.snapshot.strayCallbacks, 0, "callbacks at the same time")
      }
    },
  ]
}
