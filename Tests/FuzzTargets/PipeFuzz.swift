import LinkQueue

/// Both ends of a pipe, while the memory between them changes as the input says.
///
/// Always: slots lie in the ring, those that are pushed or pulled at the same time do not overlap, no call does more work
/// than the ring has words, what is corrupt stays so. As long as nobody wrote but the two ends: what was flushed is
/// pulled, all of it and in order.
struct PipeFuzz: ~Copyable {
  private let memory: HostileMemory
  private var writer: PipeWriter<HostileMemory>
  private var reader: PipeReader<HostileMemory>
  private let length: Int
  private var pending: [PipeSlot] = []
  private var published: [PipeSlot] = []
  private var pulled: [PipeSlot] = []
  private var isHonest = true

  static func run(_ input: inout FuzzInput) throws(FuzzFailure) {
    // All sizes matter: the ends of the ring are where it is difficult, and small rings have most of them.
    var fuzz = PipeFuzz(byteCount: Pipe.minByteCount + input.choice(256))
    while !input.isAtEnd { try fuzz.step(&input) }
  }

  private init(byteCount: Int) {
    memory = HostileMemory(byteCount: byteCount)
    Pipe.initialize(memory)
    writer = PipeWriter(memory)
    reader = PipeReader(memory)
    length = Pipe.length(byteCount)
  }

  private mutating func step(_ input: inout FuzzInput) throws(FuzzFailure) {
    _ = memory.takeAccesses()
    switch input.choice(9) {
    case 0: try push(1 + input.choice(length))
    case 1:
      writer.flush()
      published += pending
      pending = []
    case 2:
      writer.abort()
      pending = []
    case 3: try pull()
    case 4:
      reader.flush()
      pulled = []
    case 5:
      let isEmpty = reader.isEmpty
      // Not the other way round: there may be a wrap slot and nothing behind it.
      if isHonest { try check(!isEmpty || published.isEmpty, "a reader that does not see what was published") }
    case 6:
      let isDrained = writer.isDrained()
      if isHonest, isDrained { try check(published.isEmpty && pulled.isEmpty, "drained, but the reader has messages") }
    case 7:
      isHonest = false
      memory.change(8 * input.choice(length / 8), input.number())
    default:
      isHonest = false
      memory.ambush(8 * input.choice(length / 8), input.number())
    }
    let accesses = memory.takeAccesses()
    try check(accesses <= length / 8 + 4, "\(accesses) accesses in one call")
  }

  private mutating func push(_ byteCount: Int) throws(FuzzFailure) {
    guard let slot = writer.push(byteCount) else { return }
    try check(slot.byteCount == byteCount, "a slot of another size")
    try place(slot, apartFrom: isHonest ? pending + published + pulled : pending)
    pending.append(slot)
  }

  private mutating func pull() throws(FuzzFailure) {
    let slot = reader.pull()
    try check(memory.takeAccesses() <= 3, "a pull that reads on and on")
    if reader.isCorrupt { try check(slot == nil && reader.isEmpty, "a slot of a corrupt pipe") }
    if isHonest {
      try check(
        slot == published.first, "\(String(describing: slot)) instead of \(String(describing: published.first))")
      if !published.isEmpty { published.removeFirst() }
    }
    guard let slot else { return }
    try place(slot, apartFrom: pulled)
    pulled.append(slot)
  }

  /// A slot with its header lies in the ring, apart from the others.
  private func place(_ slot: PipeSlot, apartFrom others: [PipeSlot]) throws(FuzzFailure) {
    try check(
      slot.offset >= 8 && slot.offset % 8 == 0 && slot.byteCount > 0 && slot.offset + slot.byteCount <= length,
      "\(slot) in a ring of \(length)")
    for other in others {
      let isApart =
        slot.offset + slot.byteCount <= other.offset - 8 || other.offset + other.byteCount <= slot.offset - 8
      try check(isApart, "\(slot) over \(other)")
    }
  }
}
