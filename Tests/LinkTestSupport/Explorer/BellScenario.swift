import LinkQueue

/// A sender and a receiver that sleeps: the real pipe and the real notification word. Around them the turns of
/// `ReceiverState` (`turn`, `prepareToWait`, `waitEnded`) and the end of `SenderState.send`, which own descriptors and
/// so cannot run on a model: these are copies of their order.
package struct BellScenario: Sendable {
  package enum Bug: Sendable {
    case none
    /// The receiver does not look at the pipe again between enabling the bell and sleeping.
    case skipsSecondLook
    /// It looks again, but before it enables the bell.
    case looksTooEarly
    /// The sender asks whether the bell is wanted before it publishes.
    case asksTooEarly
  }

  package var order = MemoryOrder.totalStoreOrder
  package var words = 6
  /// Messages of each batch: one ring at most for each.
  package var batches = [1, 1]
  package var senderFault = Fault.none
  package var receiverFault = Fault.none
  package var bug = Bug.none

  package init() {}

  package func scenario(_ name: String) -> Scenario {
    var scenario = Scenario("\(name), \(order)", order)
    let pipe = scenario.pipe("pipe", words: words)
    let word = scenario.region("word")
    let event = scenario.region("event")
    scenario.side("sender") { side throws(Halt) in try send(side, pipe, word, event) }
    scenario.side("receiver") { side throws(Halt) in try receive(side, pipe, word, event) }
    return scenario
  }

  private func send(_ side: Side, _ pipe: Region, _ word: Region, _ event: Region) throws(Halt) {
    let memory = side.memory(pipe, senderFault)
    var writer = PipeWriter(memory)
    let word = NotificationWord(side.memory(word, senderFault))
    var number: UInt32 = 0
    for count in batches {
      var isWanted = bug == .asksTooEarly && word.isWanted()
      for _ in 0..<count {
        var slot = writer.push(4)
        while slot == nil {
          // A batch that fits in part is sent in part, and then the rest: as a link does it.
          writer.flush()
          if word.isWanted() { try side.ring(event) }
          slot = writer.push(4)
          if slot == nil { try side.awaitChange() }
        }
        memory.setField32(number + 0x100, slot?.offset ?? 8)
        number += 1
      }
      writer.flush()
      if bug != .asksTooEarly { isWanted = word.isWanted() }
      if isWanted { try side.ring(event) }
    }
  }

  private func receive(_ side: Side, _ pipe: Region, _ word: Region, _ event: Region) throws(Halt) {
    var reader = PipeReader(side.memory(pipe, receiverFault))
    let word = NotificationWord(side.memory(word, receiverFault))
    let expected = batches.reduce(0, +)
    var received = 0
    while received < expected {
      let before = received
      while received < expected, let slot = reader.pull() {
        side.expect(pipe, slot.offset, UInt32(received) + 0x100, "message \(received)")
        received += 1
      }
      reader.flush()
      try side.require(!reader.isCorrupt, "the receiver finds the pipe corrupt")
      if received > before { continue }
      if bug == .looksTooEarly, !reader.isEmpty { continue }
      word.enable()
      if bug != .skipsSecondLook, bug != .looksTooEarly, !reader.isEmpty {
        word.disable()
        continue
      }
      _ = try side.poll([event])
      word.disable()
      try side.take(event)
    }
  }
}
