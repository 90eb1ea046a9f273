import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// The lifecycle with a thread of the link's own.
@Suite struct LinkRunnerTests {
  @Test func `packets pushed before and after attach arrive in order`() throws {
    let link = try ScriptedLink()
    let inbox = Inbox()
    link.push(3)
    try link.attach(inbox)
    #expect(link.runner.isAttached)
    #expect(inbox.waitForPackets(3).count == 3)
    link.push(10)
    #expect(numbers(inbox.waitForPackets(13)) == Array(0..<13))
    link.close()
    try link.wait()
    #expect(inbox.snapshot.closeReasons == [.requested])
    #expect(link.observed.released == 1)
    #expect(link.observed.prepared == link.observed.ended)
  }

  @Test func `attaching twice is refused and changes nothing`() throws {
    let link = try ScriptedLink()
    let (first, second) = (Inbox(), Inbox())
    try link.attach(first)
    let error = #expect(throws: LinkError.self) { try link.attach(second) }
    #expect(error?.code == .alreadyAttached)
    link.push(1)
    #expect(first.waitForPackets(1).count == 1)
    link.close()
    try link.wait()
    #expect(second.snapshot.packets.isEmpty && second.snapshot.closeReasons.isEmpty)
  }

  @Test func `an idle link closes at once and refuses all else`() throws {
    let link = try ScriptedLink()
    #expect(link.runner.refusal().code == .notAttached)
    link.close(.peerDisconnected)
    link.close(.requested)
    try link.wait()
    try link.wait()
    #expect(link.observed.released == 1)
    let error = #expect(throws: LinkError.self) { try link.attach(Inbox()) }
    #expect(error?.code == .closed)
    #expect(error?.operation.contains("peer-disconnected") == true)
    #expect(link.runner.refusal().code == .closed)
  }

  @Test func `detach waits for the delivery under way`() throws {
    let link = try ScriptedLink()
    let (entered, leave) = (Latch(), Latch())
    let inbox = Inbox(onDelivery: { _ in
      entered.open()
      leave.wait()
    })
    try link.attach(inbox)
    link.push(1)
    try #require(entered.wait(deadline: deadline()))
    let detached = Latch()
    let thread = try SystemThread(name: "detach") {
      link.detach()
      detached.open()
    }
    #expect(!detached.wait(deadline: deadline(after: .milliseconds(20))))
    // A second one is not done before the delivery is either.
    let second = Latch()
    let other = try SystemThread(name: "detach") {
      link.detach()
      second.open()
    }
    #expect(!second.wait(deadline: deadline(after: .milliseconds(20))))
    leave.open()
    #expect(detached.wait(deadline: deadline()))
    #expect(second.wait(deadline: deadline()))
    thread.join()
    other.join()
    link.push(5)
    #expect(inbox.snapshot.packets.count == 1)
    link.close()
    try link.wait()
    #expect(inbox.snapshot.closeReasons.isEmpty)
  }

  @Test func `attach and detach in turns lose nothing`() throws {
    let link = try ScriptedLink()
    var seen: [UInt64] = []
    for round in 0..<300 {
      let inbox = Inbox()
      try link.attach(inbox)
      link.push(2)
      if round % 3 == 0 { _ = inbox.waitForPackets(1) }
      link.detach()
      seen += numbers(inbox.snapshot.packets)
    }
    let last = Inbox()
    try link.attach(last)
    seen += numbers(last.waitForPackets(600 - seen.count))
    #expect(seen == Array(0..<600))
    link.close()
    try link.wait()
    #expect(link.observed.violations == 0)
    #expect(link.observed.prepared == link.observed.ended)
  }

  @Test func `a wait that was prepared is ended though the link was attached anew meanwhile`() throws {
    let link = try ScriptedLink()
    try link.attach(Inbox())
    for _ in 0..<200 {
      _ = try eventually { link.observed.prepared > link.observed.ended }
      link.detach()
      try link.attach(Inbox())
    }
    link.close()
    try link.wait()
    // The last may have been under way when the link closed.
    #expect(link.observed.prepared - link.observed.ended <= 1)
  }

  @Test func `detach and attach again from inside a delivery`() throws {
    let link = try ScriptedLink()
    let next = Inbox()
    let inbox = Inbox(onDelivery: { _ in
      link.detach()
      do { try link.attach(next) } catch { Issue.record(error) }
    })
    link.push(10)
    try link.attach(inbox)
    #expect(numbers(next.waitForPackets(6)) == Array(4..<10))
    #expect(numbers(inbox.snapshot.packets) == Array(0..<4))
    link.close()
    try link.wait()
    #expect(inbox.snapshot.closeReasons.isEmpty)
    #expect(next.snapshot.closeReasons == [.requested])
  }

  @Test func `close from inside a delivery ends after that delivery`() throws {
    let link = try ScriptedLink()
    let waited = Monitor([LinkError.Code?]())
    let inbox = Inbox(
      onDelivery: { _ in
        link.close()
        let code = waitCode(link)
        waited.withLock { $0.append(code) }
      },
      onClose: { _ in
        let code = waitCode(link)
        waited.withLock { $0.append(code) }
        link.close()
        link.detach()
      })
    link.push(10)
    try link.attach(inbox)
    try link.wait()
    #expect(inbox.snapshot.packets.count == 4)
    #expect(inbox.snapshot.closeReasons == [.requested])
    #expect(inbox.snapshot.strayCallbacks == 0)
    #expect(waited.withLock { $0 } == [.wouldDeadlock, .wouldDeadlock])
  }

  @Test func `detach and close inside one delivery tell nobody`() throws {
    let link = try ScriptedLink()
    let inbox = Inbox(onDelivery: { _ in
      link.detach()
      link.close()
    })
    link.push(1)
    try link.attach(inbox)
    try link.wait()
    #expect(inbox.snapshot.closeReasons.isEmpty)
    #expect(link.observed.released == 1)
  }

  @Test func `a link that ends itself says why`() throws {
    let link = try ScriptedLink(spin: .microseconds(100))
    let inbox = Inbox()
    try link.attach(inbox)
    link.push(5)
    link.end(.peerDisconnected)
    #expect(inbox.waitForClose() == .peerDisconnected)
    #expect(inbox.snapshot.packets.count == 5)
    try link.wait()
    #expect(link.runner.refusal().operation.contains("peer-disconnected"))
  }

  @Test func `a starved link goes on when it is fed`() throws {
    let link = try ScriptedLink()
    let inbox = Inbox()
    link.starve()
    link.push(3)
    try link.attach(inbox)
    #expect(try eventually { link.observed.prepared > 0 })
    #expect(inbox.snapshot.packets.isEmpty)
    link.feed()
    #expect(inbox.waitForPackets(3).count == 3)
    link.close()
    try link.wait()
  }

  @Test func `everybody who waits comes back after the thread is gone`() throws {
    for _ in 0..<100 {
      let link = try ScriptedLink()
      try link.attach(Inbox())
      try concurrently(4) { thread in
        if thread == 0 { link.close() }
        do { try link.wait() } catch { Issue.record(error) }
      }
      #expect(link.observed.released == 1)
    }
  }

  @Test func `a dispatcher may use its link when it goes away`() throws {
    final class Owner: LinkDispatcher {
      let link: ScriptedLink
      init(_ link: ScriptedLink) { self.link = link }
      func deliverPackets(_ packets: inout PacketBatch) {}
      deinit {
        link.detach()
        _ = link.runner.refusal()
        link.close()
      }
    }
    for drive in [LinkOptions.Drive.thread, .caller] {
      let link = try ScriptedLink(drive)
      try link.attach(Owner(link))
      link.detach()
      if drive == .caller { #expect(link.step() == .closed) }
      try link.wait()
      let another = try ScriptedLink(drive)
      try another.attach(Owner(another))
      another.close()
      if drive == .caller { #expect(another.step() == .closed) }
      try another.wait()
    }
  }
}

/// How `wait` refuses; nil: it did not.
func waitCode(_ link: ScriptedLink) -> LinkError.Code? {
  do {
    try link.wait()
    return nil
  } catch { return error.code }
}

/// A link whose peer holds up the turn, and each time that somebody frees it once more.
private final class HeldUpLink: RunnableLink {
  let runner: LinkRunner
  let entered = Latch()
  private let freed = Monitor(0)

  init() throws(LinkError) { runner = try LinkRunner(name: "held-up", options: LinkOptions()) }

  func announceRoom(_ dispatcher: any LinkDispatcher) {}
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    entered.open()
    for ring in 1...5 { _ = freed.wait(deadline: .max) { $0 >= ring ? true : nil } }
    return .idle
  }
  func prepareToWait() -> WaitDecision { .waitForBell }
  func waitEnded(_ entries: InlineArray<4, PollEntry>?) {}
  func freeHeldUpThreads(forGood: Bool) { freed.withLock { $0 += forGood ? 5 : 1 } }
  func releaseResources() {}
}

@Suite struct HeldUpTurnTests {
  @Test func `detach ends though the peer holds up one turn again and again`() throws {
    let link = try HeldUpLink()
    try link.runner.attach(Inbox(), link)
    #expect(link.entered.wait(deadline: deadline()))
    let isOver = Latch()
    let thread = try SystemThread(name: "detacher") {
      link.runner.detach(link)
      isOver.open()
    }
    #expect(isOver.wait(deadline: deadline()))
    link.runner.close(.requested, link)
    thread.join()
    try link.runner.wait()
  }
}
