import LinkQueue

/// A sender that runs out of room and sleeps until its peer announces some: the real pipe, notification word and words of
/// room. Around them copies of the order of steps in `SenderState` (`refuse`, `looksForRoom`), `RoomDesk` and
/// `ReceiverState`. The sending thread and the driver of its link are one side here: where the sender waits to be told,
/// the driver sleeps.
package struct RoomScenario: Sendable {
  package enum Bug: Sendable {
    case none
    /// The sender sleeps right after it wished, without trying again.
    case skipsSecondTry
    /// An announcement that did not bring enough is not followed by a new wish.
    case wishesOnce
    /// The receiver goes to sleep without a last look at the wish.
    case skipsLastLook
  }

  package var order = MemoryOrder.totalStoreOrder
  package var words = 4
  package var sizes = [8, 8]
  package var senderFault = Fault.none
  package var receiverFault = Fault.none
  package var bug = Bug.none

  package init() {}

  private struct Shared: Sendable {
    let pipe: Region
    /// The queue's page: notification word, wish and answer.
    let page: Region
    /// The bells of the receiver of packets and of their sender's driver.
    let event: Region
    let roomEvent: Region
  }

  package func scenario(_ name: String) -> Scenario {
    var scenario = Scenario("\(name), \(order)", order)
    let shared = Shared(
      pipe: scenario.pipe("pipe", words: words), page: scenario.region("page", byteCount: 132),
      event: scenario.region("event"), roomEvent: scenario.region("room event"))
    scenario.side("sender") { side throws(Halt) in try send(side, shared) }
    scenario.side("receiver") { side throws(Halt) in try receive(side, shared) }
    return scenario
  }

  private func send(_ side: Side, _ shared: Shared) throws(Halt) {
    var writer = PipeWriter(side.memory(shared.pipe, senderFault))
    let page = side.memory(shared.page, senderFault)
    let word = NotificationWord(page)
    var wish = RoomWish(page)
    var news = RoomNews(page)
    for (message, byteCount) in sizes.enumerated() {
      var slot = writer.push(byteCount)
      if slot == nil {
        wish.make()
        if bug != .skipsSecondTry { slot = writer.push(byteCount) }
        while slot == nil {
          _ = try side.poll([shared.roomEvent])
          try side.take(shared.roomEvent)
          guard news.came() else { continue }
          slot = writer.push(byteCount)
          if slot == nil, bug != .wishesOnce {
            wish.make()
            slot = writer.push(byteCount)
          }
        }
        wish.withdraw()
      }
      writer.memory.setField32(UInt32(message) + 0x100, slot?.offset ?? 8)
      writer.flush()
      if word.isWanted() { try side.ring(shared.event) }
    }
  }

  private func receive(_ side: Side, _ shared: Shared) throws(Halt) {
    var reader = PipeReader(side.memory(shared.pipe, receiverFault))
    let page = side.memory(shared.page, receiverFault)
    let word = NotificationWord(page)
    var answer = RoomAnswer(page)
    var received = 0
    while received < sizes.count {
      let before = received
      while received < sizes.count, let slot = reader.pull() {
        side.expect(shared.pipe, slot.offset, UInt32(received) + 0x100, "message \(received)")
        received += 1
      }
      reader.flush()
      try side.require(!reader.isCorrupt, "the receiver finds the pipe corrupt")
      if answer.isDue() {
        answer.give()
        try side.ring(shared.roomEvent)
      }
      if received > before { continue }
      word.enable()
      if !reader.isEmpty {
        word.disable()
        continue
      }
      if bug != .skipsLastLook, answer.isDueAtLast() {
        answer.give()
        try side.ring(shared.roomEvent)
      }
      _ = try side.poll([shared.event])
      word.disable()
      try side.take(shared.event)
    }
  }
}
