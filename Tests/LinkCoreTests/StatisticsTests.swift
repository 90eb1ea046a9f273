import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct StatisticsTests {
  @Test func `everything offered is a packet or a drop`() {
    var tally = LinkTally()
    tally.packets = 10
    for (number, cause) in DropCause.allCases.enumerated() { tally[cause] = UInt64(number + 1) }
    let drops = UInt64((1...DropCause.allCases.count).reduce(0, +))
    #expect(tally.dropped == drops)
    #expect(tally.offered == drops + 10)
    #expect(Set(DropCause.allCases.map(\.index)).count == DropCause.allCases.count)
    #expect(DropCause.allCases.allSatisfy { (0..<16).contains($0.index) })
    #expect(LinkEvent.allCases.allSatisfy { (0..<16).contains($0.rawValue) })
  }

  @Test func `a tally that is published is the one that is read`() {
    let published = PublishedTally()
    var tally = LinkTally()
    #expect(published.snapshot == tally)
    for cause in DropCause.allCases { tally[cause] += UInt64(cause.index) + 3 }
    for event in LinkEvent.allCases { tally[event] += UInt64(event.rawValue) + 5 }
    tally.packets = 7
    tally.bytes = 8
    tally.batches = 9
    published.publish(&tally)
    #expect(published.snapshot == tally)
    tally.packets += 1
    published.publish(&tally)
    #expect(published.snapshot == tally)
  }

  @Test func `counters that others read never go back`() throws {
    let published = PublishedTally()
    let failures = Monitor(0)
    try concurrently(3) { thread in
      if thread == 0 {
        var tally = LinkTally()
        for _ in 0..<5000 {
          tally.packets += 1
          tally[.runt] += 1
          published.publish(&tally)
        }
      } else {
        var last = LinkTally()
        for _ in 0..<2000 {
          let now = published.snapshot
          if now.packets < last.packets || now[.runt] < last[.runt] { failures.withLock { $0 += 1 } }
          last = now
        }
      }
    }
    #expect(failures.withLock { $0 } == 0)
    #expect(published.snapshot.offered == 10000)
  }

  @Test func `drops and events of both directions are added`() {
    var statistics = LinkStatistics()
    statistics.sent[.oversize] = 2
    statistics.received[.oversize] = 3
    statistics.received[.linkDown] = 1
    statistics.sent[.notification] = 4
    statistics.received[.notification] = 5
    #expect(statistics.drops == [.oversize: 5, .linkDown: 1])
    #expect(statistics[.notification] == 9)
  }

  @Test func `scripts can rely on the names`() {
    #expect(DropCause.linkDown.rawValue == "link-down" && DropCause.noRoom.rawValue == "no-room")
    #expect(LinkCloseReason.requested.description == "requested")
    #expect(LinkCloseReason.peerDisconnected.description == "peer-disconnected")
    let error = LinkError(.protocolViolation, "slot at 8")
    #expect(LinkCloseReason.failed(error).description == "failed: slot at 8 (protocol violation)")
    #expect(LinkCloseReason.peerDisconnected.error.description == "link is closed (peer-disconnected) (closed)")
  }

  @Test func `an error says what, which and the kernel's word`() {
    let kernel = LinkError(SystemError("mmap", 12), "queue files")
    #expect(kernel.description == "queue files: mmap: Cannot allocate memory (errno 12)")
    #expect(kernel.code == .system && kernel.systemError == 12)
    #expect(LinkError(SystemError("mmap", 12)).operation == "mmap")
    let own = LinkError(.invalidArgument, "mtu 5: must be 68 to 65536")
    #expect(own.description == "mtu 5: must be 68 to 65536 (invalid argument)")
    #expect(own.systemError == nil)
  }

  @Test func `impossible options are refused by name`() {
    func flaw(_ change: (inout LinkOptions) -> Void) -> String? {
      var options = LinkOptions()
      change(&options)
      do {
        try options.validate()
        return nil
      } catch { return error.operation }
    }
    #expect(flaw { _ in } == nil)
    for mtu in [68, 65536] { #expect(flaw { $0.mtu = mtu } == nil) }
    for mtu in [67, 65537, -1, Int.min, Int.max] { #expect(flaw { $0.mtu = mtu }?.contains("mtu \(mtu)") == true) }
    for capacity in [0, 65, -1] { #expect(flaw { $0.batchCapacity = capacity }?.contains("\(capacity)") == true) }
    #expect(flaw { $0.spin = .milliseconds(11) } != nil)
    #expect(flaw { $0.spin = .seconds(-1) } != nil)
    #expect(flaw { $0.linkAddress = .broadcast } != nil)
    #expect(flaw { $0.linkAddress = LinkAddress(0, 0, 0, 0, 0, 0) } != nil)
    #expect(flaw { $0.pool = PacketPool(frameByteCount: 1499, capacity: 1) } != nil)
    #expect(flaw { $0.pool = PacketPool(frameByteCount: 1500, capacity: 1) } == nil)
    #expect(
      flaw {
        $0.pool = PacketPool(frameByteCount: 1500, capacity: 1)
        $0.linkAddress = LinkAddress(2, 0, 0, 0, 0, 1)
      } != nil)
  }
}
