import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// `close()` ends a link within 100 ms, whoever calls it and whatever the link is doing.
struct StopTests {
  @Test(arguments: Stop.table.filter { !$0.needsDevices })
  func `a link over sockets stops in time`(_ stop: Stop) throws { try check(stop) }

  @Test(
    .enabled(if: canMakeDevices, "needs root and /dev/net/tun"), arguments: Stop.table.filter { $0.needsDevices })
  func `a link over an interface stops in time`(_ stop: Stop) throws { try check(stop) }

  /// On a machine that others keep busy a thread may not get its turn in time: one try of three has to do.
  private func check(_ stop: Stop) throws {
    if let absence = stop.absence { return #expect(!absence.isEmpty) }
    var times: [UInt64] = []
    repeat {
      times.append(try stop.run { link, peer in try time(stop, link, peer) })
    } while times.last! > 100_000_000 && times.count < 3
    #expect(times.last! <= 100_000_000, "nanoseconds of each try: \(times)")
  }

  /// Nanoseconds from the call of `close()` until `wait()` is back.
  private func time(_ stop: Stop, _ link: any LinkEndpoint, _ peer: RawPeer.Box) throws -> UInt64 {
    let (armed, done, keeper, began) = (Latch(), Latch(), Keeper(), Monitor(UInt64?.none))
    let inbox = Inbox(onDelivery: { packets in
      if stop.state == .starved { keeper.takeAll(&packets) }
      guard stop.isFromCallback, armed.isOpen, stop.state != .starved || keeper.count >= stop.keepable else { return }
      began.withLock { $0 = $0 ?? monotonicNanoseconds() }
      link.close()
    })
    defer {
      done.open()
      _ = keeper.releaseAll()
    }
    if stop.state == .starved { armed.open() }
    // The kernel takes tens of milliseconds, more on a busy machine, to take back the last descriptor of an interface, since
    // it waits for all processors. That is not the link's time.
    let kept = stop.needsDevices ? try duplicates(link) : []
    defer { withExtendedLifetime(kept) {} }
    try link.attach(inbox)
    try bring(link, into: stop, peer, inbox, done)
    armed.open()
    if stop.isFromCallback, stop.state != .flooded, stop.state != .starved {
      try arrive(1, at: link, peer)
    }
    let ended: UInt64? = try inThread {
      if !stop.isFromCallback {
        began.withLock { $0 = monotonicNanoseconds() }
        link.close()
      }
      do { try link.wait() } catch { return nil }
      return monotonicNanoseconds()
    }
    .flatMap { $0 }
    guard let ended, let start = began.withLock({ $0 }) else { throw DidNotHappen(description: "no end: \(stop)") }
    return ended - start
  }

  private func duplicates(_ link: any LinkEndpoint) throws -> [RawPeer.Box] {
    try (link as? FDEndpoint)?.describe().descriptors.map {
      RawPeer.Box(RawPeer(socket: try .duplicating($0.number)))
    } ?? []
  }

  private func bring(
    _ link: any LinkEndpoint, into stop: Stop, _ peer: RawPeer.Box, _ inbox: Inbox, _ done: Latch
  ) throws {
    switch stop.state {
    case .asleep: try need(eventually { link.statistics[.sleep] > 0 }, "sleep")
    case .flooded:
      _ = try SystemThread(name: "test-flood") {
        do { while !done.isOpen { try arrive(1, at: link, peer) } } catch {}
      }
      try need(inbox.waitForPackets(200).count >= 200, "flood")
    case .spinning:
      // It looks for the next one for 10 ms.
      try arrive(1, at: link, peer)
      try need(inbox.waitForPackets(1).count == 1, "delivery")
    case .starved:
      try arrive(8, at: link, peer)
      try need(stop.isFromCallback || eventually { link.statistics[.starvation] > 0 }, "starvation")
    case .refused:
      let pool = PacketPool(frameByteCount: 1514, capacity: 64)
      var batch = PacketBatch(capacity: 64, pool: pool)
      for _ in 0..<64 {
        batch.append { packet in
          packet.append(1000) { $0[0] = 0x45 }
          packet.facts.flowHash = 4
        }
      }
      do throws(LinkError) { while true { _ = try link.writeBatch(batch) } } catch {
        try need(error.code == .wouldBlock, "refusal")
      }
    }
  }

  private func arrive(_ count: Int, at link: any LinkEndpoint, _ peer: RawPeer.Box) throws {
    let frame = link.hardwareType == .ethernet ? OddFrameTests.ethernet(to: OddFrameTests.own) : numbered(1)
    for _ in 0..<count {
      if let link = link as? InjectableEndpoint {
        var packets = InjectionTests.batch([frame])
        try link.inject(&packets)
      } else {
        try peer.deliver(frame)
      }
    }
  }

  private func need(_ condition: Bool, _ what: String) throws {
    if !condition { throw DidNotHappen(description: "no \(what)") }
  }
}
