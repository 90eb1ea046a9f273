import LinkCore
import LinkSystem

/// A link whose one end stands still inside its first delivery, while both ends go on sending to each other: what it
/// holds must not grow.
package final class StuckConsumer: Sendable {
  /// Counts what arrives, behind a gate that may be shut.
  private final class Consumer: LinkDispatcher {
    let gate = Latch()
    let room = Monitor(0)
    let packets = Monitor(UInt64(0))
    /// Writes that took less than a batch, of the sender at this end.
    let refusals = Monitor(0)

    func deliverPackets(_ batch: inout PacketBatch) {
      gate.wait()
      let count = UInt64(batch.count)
      packets.withLock { $0 += count }
    }
    func linkHasRoom() { room.withLock { $0 += 1 } }
    func linkDidClose(_ reason: LinkCloseReason) {}
  }

  private let a: any LinkEndpoint
  private let b: any LinkEndpoint
  private let (atA, atB) = (Consumer(), Consumer())
  private let isStopped = Lock(false)
  private let failures = Lock([String]())

  /// Both ends are stuck at first; `b` stays so.
  package init(_ pairs: LinkPairFactory) throws {
    var (first, second) = (LinkOptions(), LinkOptions())
    if pairs.isEthernet {
      first.linkAddress = LinkPairFactory.firstAddress
      second.linkAddress = LinkPairFactory.secondAddress
    }
    (a, b) = try pairs.make(first, second)
    try a.attach(atA)
    try b.attach(atB)
  }

  /// Sends both ways until `stop`, at most a batch a millisecond.
  package func start() throws {
    for (link, consumer) in [(a, atA), (b, atB)] {
      _ = try SystemThread(name: "soak") { [self] in
        do { try send(on: link, consumer) } catch { failures.withLock { $0.append("\(error)") } }
      }
    }
  }

  private func send(on link: any LinkEndpoint, _ consumer: Consumer) throws {
    let payloads = LinkConformance.payloads(0..<32, 700)
    let batch = try LinkConformance.batch(payloads[...], for: link, pool: LinkConformance.sendingPool(payloads))
    while !isStopped.withLock({ $0 }) {
      let seen = consumer.room.withLock { $0 }
      let count = try LinkConformance.writeSome(batch, from: 0, on: link)
      if count < batch.count { consumer.refusals.withLock { $0 += 1 } }
      _ = consumer.room.wait(deadline: deadline(after: .milliseconds(1))) { $0 > seen ? true : nil }
    }
  }

  /// Neither direction takes any more.
  package func waitUntilFull() throws {
    for consumer in [atA, atB] {
      let isFull = consumer.refusals.wait(deadline: deadline()) { $0 > 0 ? true : nil } ?? false
      try expect(isFull, "the link does not fill up: \(failures.withLock { $0 })")
    }
  }

  /// From now on `a` receives.
  package func letOtherEndGo() { atA.gate.open() }

  /// Packets that were taken for the stuck end, and that the other one received.
  package var counts: (sent: UInt64, received: UInt64) {
    (a.statistics.sent.packets, atA.packets.withLock { $0 })
  }

  /// Lets the consumer go; everything that was sent arrives. Then closes both ends.
  package func finish() throws {
    isStopped.withLock { $0 = true }
    atA.gate.open()
    atB.gate.open()
    for (link, consumer) in [(a, atB), (b, atA)] {
      let hasAll = try eventually { consumer.packets.withLock { $0 } == link.statistics.sent.packets }
      try expect(hasAll, "\(consumer.packets.withLock { $0 }) of \(link.statistics.sent.packets) packets arrived")
    }
    for link in [a, b] {
      link.close()
      try expectEnd(link)
    }
    try expectEqual(failures.withLock { $0 }, [], "failures")
  }
}
