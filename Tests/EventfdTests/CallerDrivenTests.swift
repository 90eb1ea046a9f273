import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// The lifecycle of a link that its owner steps.
@Suite struct CallerDrivenTests {
  @Test func `each step says what it came to`() throws {
    let link = try ScriptedLink(.caller)
    let inbox = Inbox()
    #expect(link.step() == .notAttached)
    try link.attach(inbox)
    #expect(link.step() == .idle)
    link.push(5)
    #expect(link.step() == .delivered)
    #expect(link.step() == .delivered)
    #expect(link.step() == .idle)
    link.starve()
    #expect(link.step() == .starved)
    link.feed()
    link.detach()
    #expect(link.step() == .notAttached)
    try link.attach(inbox)
    link.close()
    #expect(inbox.snapshot.closeReasons.isEmpty)
    #expect(link.step() == .closed)
    #expect(inbox.snapshot.closeReasons == [.requested])
    #expect(link.step() == .closed)
    #expect(link.plan() == nil)
    #expect(numbers(inbox.snapshot.packets) == Array(0..<5))
    try link.wait()
  }

  @Test func `nothing is delivered to a dispatcher that detached or closed when it heard of room`() throws {
    for isClosing in [false, true] {
      let link = try ScriptedLink(.caller)
      let inbox = Inbox(onRoom: { if isClosing { link.close() } else { link.detach() } })
      try link.attach(inbox)
      link.push(5)
      link.makeRoom()
      #expect(link.step() == .idle)
      #expect(link.step() == (isClosing ? .closed : .notAttached))
      #expect(inbox.snapshot.packets.isEmpty)
      link.close()
      _ = link.step()
      try link.wait()
    }
  }

  @Test func `a plan wakes for packets and for changes of phase`() throws {
    let link = try ScriptedLink(.caller)
    let inbox = Inbox()
    try link.attach(inbox)
    #expect(link.step() == .idle)
    // The attachment rang the bell: the first wait may be a short one.
    _ = link.plan()
    #expect(link.step() == .idle)
    let plan = try #require(link.plan())
    #expect(plan.entries.count == 2)
    #expect(plan.timeout == nil)
    #expect(try !isReady(plan))
    link.push(1)
    #expect(try isReady(plan))
    #expect(link.plan() == nil)
    #expect(link.step() == .delivered)
    #expect(link.step() == .idle)
    let second = try #require(link.plan())
    #expect(try !isReady(second))
    link.close()
    #expect(try isReady(second))
    #expect(link.step() == .closed)
  }

  @Test func `a link that is not attached waits for that, or for its end`() throws {
    let link = try ScriptedLink(.caller)
    let inbox = Inbox()
    // Twice: the second time a ring from before is left.
    for _ in 0..<2 {
      _ = link.plan()
      #expect(link.step() == .notAttached)
      let plan = try #require(link.plan())
      #expect(plan.entries.count == 1)
      #expect(plan.timeout == nil)
      link.push(1)
      #expect(try !isReady(plan))
      #expect(link.step() == .notAttached)
      try link.attach(inbox)
      #expect(try isReady(plan))
      #expect(link.step() == .delivered)
      link.detach()
    }
    _ = link.plan()
    #expect(link.step() == .notAttached)
    let plan = try #require(link.plan())
    link.close()
    #expect(try isReady(plan))
    #expect(link.step() == .closed)
    #expect(link.plan() == nil)
    #expect(link.observed.prepared == link.observed.ended)
  }

  @Test func `a step or a plan from inside a callback does nothing`() throws {
    let link = try ScriptedLink(.caller)
    let steps = Monitor([LinkStep]())
    let inbox = Inbox(
      onDelivery: { _ in
        let step = link.step()
        steps.withLock { $0.append(step) }
        #expect(link.plan() == nil)
      },
      onClose: { _ in
        let step = link.step()
        steps.withLock { $0.append(step) }
        #expect(link.plan() == nil)
      })
    try link.attach(inbox)
    link.push(5)
    #expect(link.step() == .delivered)
    link.close()
    #expect(link.step() == .closed)
    let inner = steps.withLock { $0 }
    #expect(inner.first == .idle)
    #expect(inner.count == 2)
    #expect(inbox.snapshot.packets.count == 4)
  }

  @Test func `a step does not wait for the turn of another thread`() throws {
    let link = try ScriptedLink(.caller)
    let (entered, leave) = (Latch(), Latch())
    try link.attach(
      Inbox(onDelivery: { _ in
        entered.open()
        leave.wait()
      }))
    link.push(1)
    let thread = try SystemThread(name: "step") { _ = link.step() }
    try #require(entered.wait(deadline: deadline()))
    let step = try inThread { link.step() }
    #expect(step == .idle)
    leave.open()
    thread.join()
    link.close()
    #expect(link.step() == .closed)
  }

  @Test func `many threads may step one link`() throws {
    let link = try ScriptedLink(.caller)
    let inbox = Inbox()
    try link.attach(inbox)
    try concurrently(4) { thread in
      for round in 0..<500 {
        if thread == 0 { link.push(1) }
        if link.step() == .idle, round % 7 == 0 { _ = link.plan() }
      }
    }
    while link.step() == .delivered {}
    #expect(numbers(inbox.snapshot.packets) == Array(0..<500))
    link.end(.failed(LinkError(.protocolViolation, "a test")))
    #expect(link.step() == .closed)
    #expect(inbox.snapshot.closeReasons == [.failed(LinkError(.protocolViolation, "a test"))])
    #expect(inbox.snapshot.strayCallbacks == 0)
    #expect(link.observed.violations == 0)
  }

  @Test func `detach and close inside a callback end with the next step`() throws {
    let link = try ScriptedLink(.caller)
    let inbox = Inbox(onDelivery: { _ in
      link.detach()
      link.close()
    })
    try link.attach(inbox)
    link.push(1)
    #expect(link.step() == .delivered)
    #expect(link.step() == .closed)
    #expect(link.observed.released == 1)
    #expect(inbox.snapshot.closeReasons.isEmpty)
    try link.wait()
  }

  private func isReady(_ plan: LinkWaitPlan) throws -> Bool {
    try plan.entries.contains { entry in
      try !poll(entry.descriptor, PollEvents(rawValue: entry.events), nanoseconds: 0).isEmpty
    }
  }
}
