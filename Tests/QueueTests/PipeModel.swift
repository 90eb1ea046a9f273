import LinkQueue

/// A pipe as the wire format describes it, on a line instead of a ring: position `revolution * length + offset`. A list
/// of entries, and two counts of bytes; nothing of how a pipe does it.
struct PipeModel {
  private enum Entry {
    case message(offset: Int, byteCount: Int, number: Int, end: Int)
    case wrap(end: Int)
  }
  struct Message: Equatable {
    let offset: Int
    let byteCount: Int
    let number: Int
  }

  let length: Int
  private var pending: [Entry] = []
  private var visible: [Entry] = []
  /// The writer's: behind everything visible, behind everything pushed.
  private var tail = 0
  private var next = 0
  /// The reader's: given back, pulled.
  private var freed = 0
  private var head = 0
  private var number = 0

  init(byteCount: Int) { length = byteCount / 8 * 8 }

  mutating func push(_ byteCount: Int) -> Message? {
    let size = (8 + byteCount + 7) / 8 * 8
    if byteCount > length - 16 { return nil }
    let offset = next % length
    if offset + size >= length {
      let end = next - offset + length
      guard end <= freed + length else { return nil }
      if pending.isEmpty {
        visible.append(.wrap(end: end))
        tail = end
      } else {
        pending.append(.wrap(end: end))
      }
      next = end
    }
    guard next + size <= freed + length else { return nil }
    number += 1
    let message = Message(offset: next % length + 8, byteCount: byteCount, number: number)
    next += size
    pending.append(.message(offset: message.offset, byteCount: byteCount, number: number, end: next))
    return message
  }

  mutating func flushWriter() {
    visible += pending
    pending = []
    tail = next
  }

  mutating func abort() {
    pending = []
    next = tail
  }

  mutating func pull() -> Message? {
    while let entry = visible.first {
      visible.removeFirst()
      switch entry {
      case .wrap(let end):
        if freed == head { freed = end }
        head = end
      case .message(let offset, let byteCount, let number, let end):
        head = end
        return Message(offset: offset, byteCount: byteCount, number: number)
      }
    }
    return nil
  }

  mutating func flushReader() { freed = head }
  var isEmpty: Bool { visible.isEmpty }
}

/// A pipe and its model side by side: every step is done to both and compared, contents included.
struct ComparedPipe: ~Copyable {
  enum Step: Equatable {
    case push(Int), flush, abort, pull, giveBack
  }

  var pipe: ModelPipe
  var model: PipeModel
  private(set) var history: [Step] = []
  /// What first went wrong.
  private(set) var difference: String?

  init(_ byteCount: Int, at offset: Int = 0) {
    pipe = ModelPipe(byteCount)
    model = PipeModel(byteCount: byteCount)
    if offset == 0 { return }
    for step in [.push(offset - 8), .flush, .pull, .giveBack] as [Step] { take(step) }
  }

  mutating func take(_ step: Step) {
    history.append(step)
    switch step {
    case .push(let byteCount):
      let slot = pipe.writer.push(byteCount)
      let expected = model.push(byteCount)
      if let expected, let slot { write(expected, slot) }
      compare(slot, expected)
    case .flush:
      pipe.writer.flush()
      model.flushWriter()
    case .abort:
      pipe.writer.abort()
      model.abort()
    case .pull:
      let slot = pipe.reader.pull()
      let expected = model.pull()
      compare(slot, expected)
      if let expected, slot != nil { checkContents(expected) }
    case .giveBack:
      pipe.reader.flush()
      model.flushReader()
    }
    if pipe.reader.isCorrupt || pipe.writer.isCorrupt { fail("corrupt") }
  }

  /// Publishes, pulls and gives back everything.
  mutating func drain() {
    take(.flush)
    while !model.isEmpty, difference == nil { take(.pull) }
    take(.pull)
    take(.giveBack)
    if !pipe.reader.isEmpty { fail("not empty at the end") }
  }

  private mutating func write(_ message: PipeModel.Message, _ slot: PipeSlot) {
    for offset in stride(from: slot.offset, to: slot.offset + (slot.byteCount + 7) / 8 * 8, by: 8) {
      pipe.memory[offset] = Self.content(message, offset)
    }
  }

  private mutating func checkContents(_ message: PipeModel.Message) {
    for offset in stride(from: message.offset, to: message.offset + (message.byteCount + 7) / 8 * 8, by: 8)
    where pipe.memory[offset] != Self.content(message, offset) {
      fail("other contents at \(offset)")
    }
  }

  /// Reads as a free slot, and as a message, where a header is expected: whichever is worse.
  private static func content(_ message: PipeModel.Message, _ offset: Int) -> UInt64 {
    UInt64(message.number) << 8 | UInt64(offset) & 0xff | (message.number % 2 == 0 ? 1 << 63 : 0)
  }

  private mutating func compare(_ slot: PipeSlot?, _ message: PipeModel.Message?) {
    if slot?.offset != message?.offset || slot?.byteCount != message?.byteCount {
      fail("\(slot.map { "\($0.place)" } ?? "nil") instead of \(message.map { "\($0)" } ?? "nil")")
    }
  }

  private mutating func fail(_ what: String) {
    if difference == nil { difference = "\(what) after \(history) in \(model.length) bytes" }
  }
}
