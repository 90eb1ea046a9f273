import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Thousands of lives of a link, in which several threads and the callbacks do whatever they like.
@Suite struct LifecycleFuzzTests {
  @Test(arguments: [LinkOptions.Drive.thread, .caller])
  func `whatever everybody does at once the link keeps its promises`(drive: LinkOptions.Drive) throws {
    var random = SeededRandom("lifecycle, \(drive)")
    for _ in 0..<1500 { try live(drive, seed: random.next()) }
  }

  private func live(_ drive: LinkOptions.Drive, seed: UInt64) throws {
    let link = try ScriptedLink(drive, spin: seed % 3 == 0 ? .microseconds(20) : .zero)
    let callbackRandom = Lock(SeededRandom(seed: seed))
    let selfRelease = Monitor(0)
    let inbox = Inbox(
      onDelivery: { _ in
        switch callbackRandom.withLock({ $0.next() }) % 16 {
        case 0: link.close()
        case 1, 2: link.detach()
        case 3: if waitCode(link) != .wouldDeadlock { selfRelease.withLock { $0 += 1 } }
        case 4: link.push(2)
        default: break
        }
      },
      onClose: { _ in
        link.detach()
        link.close()
        if waitCode(link) != .wouldDeadlock { selfRelease.withLock { $0 += 1 } }
      })
    try concurrently(3) { thread in
      var random = SeededRandom(seed: seed &+ UInt64(thread))
      for _ in 0..<12 {
        switch random.next() % 12 {
        case 0...3: link.push(Int(random.next() % 6))
        case 4...6: do { try link.attach(inbox) } catch {}
        case 7, 8: link.detach()
        case 9 where random.next() % 4 == 0: link.close()
        case 10 where random.next() % 4 == 0: link.end(.peerDisconnected)
        default: if drive == .caller, link.step() == .idle { _ = link.plan() }
        }
      }
    }
    link.close()
    if drive == .caller {
      let isClosed = try eventually { link.step() == .closed }
      try #require(isClosed, "seed \(seed)")
    }
    let code = try inThread { waitCode(link) }
    try #require(code == .some(nil), "seed \(seed): wait did not return")

    let record = inbox.snapshot
    let counts = link.observed
    let order = numbers(record.packets)
    #expect(order == Array(0..<UInt64(order.count)), "seed \(seed)")
    #expect(record.closeReasons.count <= 1, "seed \(seed)")
    #expect(record.strayCallbacks == 0, "seed \(seed)")
    #expect(counts.released == 1, "seed \(seed)")
    #expect(counts.violations == 0, "seed \(seed)")
    #expect(selfRelease.withLock { $0 } == 0, "seed \(seed): wait in a callback returned")
    #expect(!link.runner.isAttached, "seed \(seed)")
    #expect(link.runner.refusal().code == .closed, "seed \(seed)")
  }
}
