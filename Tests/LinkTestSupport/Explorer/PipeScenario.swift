import LinkQueue

/// Messages through a pipe: the real ends of it, and around them a writer that waits for room and a reader that waits
/// for messages by looking again.
package struct PipeScenario: Sendable {
  package var order = MemoryOrder.totalStoreOrder
  package var words = 4
  /// The payload of each message, in bytes.
  package var sizes = [8, 8, 8]
  /// So many messages become visible at once, and so many are given back.
  package var writerBatch = 1
  package var readerBatch = 1
  package var writerFault = Fault.none
  package var readerFault = Fault.none
  /// A seeded bug: messages are given back before they are read.
  package var givesBackFirst = false

  package init() {}

  /// What is in the fields of a message. As a header it would be one of a message, and not a free one.
  private static func content(_ message: Int, _ offset: Int) -> UInt32 { UInt32(0x100 * (message + 1) + offset) }

  package func scenario(_ name: String) -> Scenario {
    var scenario = Scenario("\(name), \(order)", order)
    let pipe = scenario.pipe("pipe", words: words)
    scenario.side("writer") { side throws(Halt) in try write(side, pipe) }
    scenario.side("reader") { side throws(Halt) in try read(side, pipe) }
    return scenario
  }

  private func write(_ side: Side, _ pipe: Region) throws(Halt) {
    let memory = side.memory(pipe, writerFault)
    var writer = PipeWriter(memory)
    var pending = 0
    for (message, byteCount) in sizes.enumerated() {
      while true {
        if let slot = writer.push(byteCount) {
          for offset in stride(from: 0, to: byteCount, by: 4) {
            memory.setField32(Self.content(message, offset), slot.offset + offset)
          }
          break
        }
        try side.require(!writer.isCorrupt, "the writer finds the pipe corrupt")
        if pending > 0 { writer.flush() } else { try side.awaitChange() }
        pending = 0
      }
      pending += 1
      if pending == writerBatch {
        writer.flush()
        pending = 0
      }
    }
    writer.flush()
    while !writer.isDrained() {
      try side.require(!writer.isCorrupt, "the writer finds the pipe corrupt")
      try side.awaitChange()
    }
  }

  private func read(_ side: Side, _ pipe: Region) throws(Halt) {
    var reader = PipeReader(side.memory(pipe, readerFault))
    var held: [(message: Int, slot: PipeSlot)] = []
    for (message, byteCount) in sizes.enumerated() {
      var next = reader.pull()
      while next == nil {
        try side.require(!reader.isCorrupt, "the reader finds the pipe corrupt")
        // With the whole ring in its hands, a reader looks at nothing: it looks again once it gave something back.
        if held.isEmpty { try side.awaitChange() } else { giveBack(side, pipe, &reader, &held) }
        next = reader.pull()
      }
      guard let slot = next else { throw Halt() }
      try side.require(slot.byteCount == byteCount, "message \(message) has \(slot.byteCount) bytes")
      side.note("pulls message \(message)")
      held.append((message, slot))
      if held.count == readerBatch { giveBack(side, pipe, &reader, &held) }
    }
    giveBack(side, pipe, &reader, &held)
    try side.require(reader.isEmpty, "there is one message too many")
  }

  private func giveBack(
    _ side: Side, _ pipe: Region, _ reader: inout PipeReader<ExploredMemory>,
    _ held: inout [(message: Int, slot: PipeSlot)]
  ) {
    if givesBackFirst { reader.flush() }
    for (message, slot) in held {
      for offset in stride(from: 0, to: slot.byteCount, by: 4) {
        side.expect(pipe, slot.offset + offset, Self.content(message, offset), "message \(message) at \(offset)")
      }
    }
    held = []
    reader.flush()
  }
}
