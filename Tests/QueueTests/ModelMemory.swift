import LinkQueue

/// A memory that checks every access and counts it: an array of words, in which both ends of a pipe run one after the
/// other. Used by one thread at a time.
final class ModelMemory: WordMemory, @unchecked Sendable {
  enum Store: Equatable {
    case plain(Int, UInt64)
    case releasing(Int, UInt64)
  }

  let byteCount: Int
  private var words: [UInt64]
  /// Word accesses of either end.
  private(set) var accesses = 0
  /// What was said to be written soon: offsets and bytes.
  private(set) var hints: [[Int]] = []
  /// Stores of headers in their order, since the last look.
  private var stores: [Store] = []

  init(byteCount: Int) {
    self.byteCount = byteCount
    words = Array(repeating: 0, count: byteCount / 8)
  }

  /// A pipe as its creator leaves it.
  static func pipe(_ byteCount: Int) -> ModelMemory {
    let memory = ModelMemory(byteCount: byteCount)
    memory[0] = 1 << 63
    return memory
  }

  /// The word at `offset`, as a peer or an onlooker touches it: not counted, not recorded.
  subscript(offset: Int) -> UInt64 {
    get { words[checked(offset, 8) / 8] }
    set { words[checked(offset, 8) / 8] = newValue }
  }

  func takeStores() -> [Store] {
    defer { stores = [] }
    return stores
  }

  func takeAccesses() -> Int {
    defer { accesses = 0 }
    return accesses
  }

  private func checked(_ offset: Int, _ size: Int) -> Int {
    precondition(offset >= 0 && offset % size == 0 && offset + size <= words.count * 8, "access at \(offset)")
    return offset
  }

  func loadAcquiring(_ offset: Int) -> UInt64 {
    accesses += 1
    return self[offset]
  }

  func storeReleasing(_ value: UInt64, _ offset: Int) {
    accesses += 1
    stores.append(.releasing(offset, value))
    self[offset] = value
  }

  func store(_ value: UInt64, _ offset: Int) {
    accesses += 1
    stores.append(.plain(offset, value))
    self[offset] = value
  }

  func field32(_ offset: Int) -> UInt32 {
    accesses += 1
    return UInt32(truncatingIfNeeded: words[checked(offset, 4) / 8] >> (offset % 8 == 0 ? 0 : 32))
  }

  func field64(_ offset: Int) -> UInt64 { UInt64(field32(offset)) | UInt64(field32(offset + 4)) << 32 }

  func setField32(_ value: UInt32, _ offset: Int) {
    accesses += 1
    let shift = offset % 8 == 0 ? 0 : 32
    let word = words[checked(offset, 4) / 8]
    words[offset / 8] = word & ~(0xffff_ffff << UInt64(shift)) | UInt64(value) << UInt64(shift)
  }

  func setField64(_ value: UInt64, _ offset: Int) {
    setField32(UInt32(truncatingIfNeeded: value), offset)
    setField32(UInt32(truncatingIfNeeded: value >> 32), offset + 4)
  }

  func loadFlag(_ offset: Int) -> UInt32 { field32(offset) }
  func storeFlag(_ value: UInt32, _ offset: Int) { setField32(value, offset) }
  func fence() {}
  func prefetchForWriting(_ offset: Int, _ byteCount: Int) { hints.append([offset, byteCount]) }
}

/// Both ends of a pipe over one model memory.
struct ModelPipe: ~Copyable {
  let memory: ModelMemory
  var writer: PipeWriter<ModelMemory>
  var reader: PipeReader<ModelMemory>

  init(_ byteCount: Int) { self.init(ModelMemory.pipe(byteCount)) }

  init(_ memory: ModelMemory) {
    self.memory = memory
    writer = PipeWriter(memory)
    reader = PipeReader(memory)
  }

  /// Moves both ends to `offset`, a multiple of 8 from 16 to eight less than the length, or 0.
  mutating func advance(to offset: Int) {
    if offset == 0 { return }
    precondition(writer.push(offset - 8) != nil)
    writer.flush()
    precondition(reader.pull()?.byteCount == offset - 8)
    reader.flush()
    _ = memory.takeStores()
  }
}

extension PipeSlot {
  /// Offset and size, to compare.
  var place: [Int] { [offset, byteCount] }
}
