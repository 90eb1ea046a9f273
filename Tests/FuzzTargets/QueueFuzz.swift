import LinkQueue
import LinkTestSupport

/// Our end of a queue, with a model of what it must do. `isHonest` is true as long as the far end kept to the structure
/// of the pipes, whatever its messages said: until then everything can be foretold.
protocol NearEnd: ~Copyable {
  init(_ memory: QueueMemory)
  var isHonest: Bool { get set }
  /// A message of the far end became visible.
  mutating func willSee(_ message: [UInt8])
  /// A message of ours arrived at the far end.
  mutating func wasHeard(_ message: [UInt8]) throws(FuzzFailure)
  /// Sends or receives.
  mutating func act(_ input: inout FuzzInput) throws(FuzzFailure)
  /// Everything else that a link asks of it.
  mutating func look() throws(FuzzFailure)
  /// Nothing is left to do, by the model.
  var isAtRest: Bool { get }
  /// The far end was honest, and nothing is left to do: what must be true then.
  mutating func settled() throws(FuzzFailure)
}

/// One of our ends against a far end that an input plays: messages of any content, words at any place of both pipes, and
/// everything at any time.
struct QueueFuzz<Near: NearEnd & ~Copyable>: ~Copyable {
  private let memory: QueueMemory
  private var near: Near
  private var farWriter: PipeWriter<SharedRegion>
  private var farReader: PipeReader<SharedRegion>
  private var pending: [[UInt8]] = []

  static func run(_ input: inout FuzzInput) throws(FuzzFailure) {
    var fuzz = QueueFuzz(QueueMemory(&input))
    try fuzz.listen()
    while !input.isAtEnd { try fuzz.step(&input) }
    if fuzz.near.isHonest { try fuzz.settle() }
  }

  private init(_ memory: QueueMemory) {
    self.memory = memory
    near = Near(memory)
    farWriter = PipeWriter(memory.toNear.region)
    farReader = PipeReader(memory.fromNear.region)
  }

  private mutating func step(_ input: inout FuzzInput) throws(FuzzFailure) {
    switch input.choice(7) {
    case 0: push(input.bytes(1 + input.choice(256)))
    case 1: publish()
    case 2:
      try near.act(&input)
      try listen()
    case 3: try near.look()
    case 4: farReader.flush()
    case 5: try scribble(memory.toNear.region, &input)
    default: try scribble(memory.fromNear.region, &input)
    }
  }

  private mutating func push(_ message: [UInt8]) {
    guard !message.isEmpty, let slot = farWriter.push(message.count) else { return }
    memory.toNear.region.write(message, at: slot.offset)
    pending.append(message)
  }

  private mutating func publish() {
    farWriter.flush()
    for message in pending { near.willSee(message) }
    pending = []
  }

  /// The far end reads all that is there; it may give the bytes back at another time.
  private mutating func listen() throws(FuzzFailure) {
    while let slot = farReader.pull() {
      if near.isHonest { try near.wasHeard(memory.fromNear.region.bytes(slot.offset, slot.byteCount)) }
    }
    if memory.isRoomy { farReader.flush() }
    if near.isHonest { try check(!farReader.isCorrupt && !farWriter.isCorrupt, "our end broke a pipe") }
  }

  /// The peer writes where it likes.
  private mutating func scribble(_ pipe: SharedRegion, _ input: inout FuzzInput) throws(FuzzFailure) {
    near.isHonest = false
    pipe.store(input.number(), 8 * input.choice(pipe.byteCount / 8))
  }

  private mutating func settle() throws(FuzzFailure) {
    publish()
    var nothing = FuzzInput([])
    var turns = 0
    while !near.isAtRest {
      turns += 1
      try check(turns < 1000, "messages are left over")
      farReader.flush()
      try near.act(&nothing)
      try listen()
    }
    try near.look()
    try near.settled()
  }
}
