import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// How links with processors are attached, detached and closed, and how they end.
struct ProcessorLifeTests {
  @Test(arguments: [false, true])
  func `what waits at a detach is for the next dispatcher, or given up at the end`(_ isClosing: Bool) throws {
    let (sender, receiver) = try linksWithProcessors(1, 2)
    let (stuck, _) = try flowsOfTwoProcessors(sender, receiver)
    let held = HeldFlow(stuck)
    try receiver.attach(held)
    let before = receiver.statistics.received
    try Flows.send([(stuck, 0)], over: sender)
    #expect(try eventually { held.isHolding })
    try Flows.send((1...20).map { (stuck, $0) }, over: sender)
    #expect(try eventually { receiver.describe().descriptors[0].processorQueues.max() == 20 })
    let isDetached = Latch()
    let detaching = try SystemThread(name: "detaching") {
      receiver.detach()
      isDetached.open()
    }
    #expect(try eventually { !receiver.isAttached } && !isDetached.isOpen)
    held.letGo()
    detaching.join()
    #expect(held.order.count == 1 && receiver.describe().descriptors[0].processorQueues.max() == 20)
    let next = FlowOrder(isConcurrent: true)
    sender.close()
    try sender.wait()
    if isClosing { receiver.close() } else { try receiver.attach(next) }
    // The peer's end, if not the close, ends it.
    try receiver.wait()
    #expect(next.count == (isClosing ? 0 : 20) && next.disorder == 0 && next.late == 0)
    let received = receiver.statistics.received
    #expect(received.offered == before.offered + 21 && received[.noRoom] == (isClosing ? 20 : 0))
    #expect(held.order.count == 1 && held.order.closings == 0 && next.closings == (isClosing ? 0 : 1))
  }

  @Test(arguments: [false, true], [false, true])
  func `a link is closed or detached from inside a callback of any processor`(
    _ isClosing: Bool, _ isConcurrent: Bool
  ) throws {
    for round in 0..<30 {
      let (sender, receiver) = try linksWithProcessors(1 + round % 2, 4)
      try expectEndInsideCallback(sender, receiver, isClosing: isClosing, isConcurrent: isConcurrent)
    }
  }

  @Test func `a wait inside a callback of a processor is refused`() throws {
    let (sender, receiver) = try linksWithProcessors(1, 2)
    let refusal = Lock<LinkError.Code?>(nil)
    let collector = try Collector(onDelivery: { [weak receiver] in
      do throws(LinkError) { try receiver?.wait() } catch { refusal.withLock { $0 = error.code } }
    })
    try receiver.attach(collector)
    try Flows.send([(0, 0)], over: sender)
    #expect(collector.waits { $0.frames.count == 1 } && refusal.withLock { $0 } == .wouldDeadlock)
    sender.close()
    receiver.close()
    try receiver.wait()
  }

  @Test(arguments: [1, 3], [true, false])
  func `the peer's end comes after everything that it sent`(_ descriptorCount: Int, _ isConcurrent: Bool) throws {
    for round in 0..<20 {
      let (sender, receiver) = try linksWithProcessors(descriptorCount, 3)
      let order = FlowOrder(isConcurrent: isConcurrent)
      let room = try Collector()
      try sender.attach(room)
      if round % 2 == 0 { try receiver.attach(order) }
      // Fewer than one queue holds.
      try Flows.send(10, over: sender, room)
      sender.close()
      try sender.wait()
      if round % 2 == 1 { try receiver.attach(order) }
      try receiver.wait()
      #expect(order.count == 10 * Flows.count && order.disorder == 0)
      #expect(order.closings == 1 && order.late == 0)
      #expect(receiver.statistics.received.packets == UInt64(10 * Flows.count))
    }
  }

  @Test func `the peer's end waits for a processor that is held up`() throws {
    let (sender, receiver) = try linksWithProcessors(1, 2)
    let held = HeldFlow(0)
    try receiver.attach(held)
    try Flows.send([(0, 0)], over: sender)
    #expect(try eventually { held.isHolding })
    try Flows.send((1...20).map { (0, $0) }, over: sender)
    sender.close()
    try sender.wait()
    #expect(try eventually { receiver.describe().descriptors[0].processorQueues.max() == 20 })
    #expect(held.order.closings == 0)
    held.letGo()
    try receiver.wait()
    #expect(held.order.count == 21 && held.order.disorder == 0 && held.order.late == 0 && held.order.closings == 1)
  }

  @Test func `close actions, ends and waits of several threads agree`() throws {
    for _ in 0..<30 {
      let (sender, receiver) = try linksWithProcessors(2, 3)
      let order = FlowOrder(isConcurrent: true)
      let actions = Counter()
      receiver.setCloseAction { actions.add(1) }
      try receiver.attach(order)
      try sender.attach(Collector())
      _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
      try concurrently(4) { number in
        if number == 0 { sender.close() } else if number == 1 { receiver.detach() } else { receiver.close() }
        do { try receiver.wait() } catch { Issue.record("\(error)") }
      }
      #expect(actions.value == 1 && order.closings <= 1 && order.late == 0)
      try sender.wait()
    }
  }

  @Test func `links with processors leave nothing behind`() async {
    await #expect(processExitsWith: .success) {
      func cycles(_ count: Int) throws {
        for number in 0..<count {
          let (sender, receiver) = try linksWithProcessors(1 + number % 2, 3)
          try receiver.attach(FlowOrder(isConcurrent: number % 3 == 0))
          try sender.attach(Collector())
          _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
          if number % 5 == 0 { receiver.detach() }
          if number % 2 == 0 { sender.close() } else { receiver.close() }
          for link in [sender, receiver] {
            link.close()
            try link.wait()
          }
        }
      }
      try cycles(4)
      let before = try ResourceSnapshot.baseline()
      try cycles(60)
      _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
      let excess = try ResourceSnapshot().excess(over: before)
      try #require(excess == [], "\(excess)")
    }
  }
}
