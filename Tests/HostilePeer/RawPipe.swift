/// The writing end of a pipe, by the wire format alone: it publishes each message at once, and checks nothing.
struct RawPipeWriter {
  static let free: UInt64 = 1 << 63
  static let revolution: UInt64 = 1 << 32

  let memory: RawMemory
  private let length: UInt64
  private(set) var next: UInt64 = 0xffff_fffe << 32
  private var head: UInt64 = 0xffff_ffff << 32

  init(_ memory: RawMemory) {
    self.memory = memory
    length = UInt64(memory.byteCount)
  }

  var offset: Int { Int(next & 0xffff_ffff) }

  private func slotSize(_ byteCount: Int) -> UInt64 { (UInt64(byteCount) + 15) & ~7 }

  /// A message of these bytes; false if the reader has not given room back yet.
  /// `claimedByteCount`: what the header says, where that is another number.
  mutating func push(_ payload: [UInt8], claimedByteCount: UInt64? = nil) -> Bool {
    let size = slotSize(payload.count)
    if UInt64(offset) + size >= length { guard wrap() else { return false } }
    guard reclaim(next &+ size) else { return false }
    memory.write(payload, at: offset + 8)
    publish(claimedByteCount ?? UInt64(payload.count), next &+ size)
    return true
  }

  /// Skips the rest of the ring. Wherever it is, that is allowed, except at the start.
  mutating func wrap() -> Bool {
    let newNext = (next & ~0xffff_ffff) &+ Self.revolution
    guard reclaim(newNext) else { return false }
    publish(newNext &- next &- 8, newNext)
    return true
  }

  /// Writes a header of one's own at the place of the next message, and goes on `advance` bytes.
  mutating func pushHeader(_ header: UInt64, advance: UInt64 = 8) { publish(header, next &+ advance) }

  private mutating func publish(_ header: UInt64, _ newNext: UInt64) {
    if newNext != head { memory.store(Self.free, Int(newNext & 0xffff_ffff)) }
    memory.store(header, offset)
    next = newNext
  }

  private mutating func reclaim(_ wanted: UInt64) -> Bool {
    while Int64(bitPattern: wanted &- head) > 0 {
      let header = memory.load(Int(head & 0xffff_ffff))
      if header & Self.free == 0 { return false }
      head &+= ((header & 0xffff_ffff) &+ 15) & ~7
    }
    return true
  }
}

/// The reading end of a pipe.
struct RawPipeReader {
  let memory: RawMemory
  private let length: UInt64
  private var head: UInt64 = 0xffff_fffe << 32
  /// Slots that were read and not given back: offset and header.
  private(set) var kept: [(offset: Int, header: UInt64)] = []
  /// Whether slots are kept instead of given back.
  var keepsSlots = false

  init(_ memory: RawMemory) {
    self.memory = memory
    length = UInt64(memory.byteCount)
  }

  var offset: Int { Int(head & 0xffff_ffff) }

  /// The next message; nil when there is none, or what is there cannot be one.
  mutating func pull() -> [UInt8]? {
    while true {
      // All slots of a ring that is full of kept ones were read.
      if let first = kept.first, first.offset == offset { return nil }
      let header = memory.load(offset)
      if header & RawPipeWriter.free != 0 { return nil }
      let size = (header &+ 15) & ~7
      let end = UInt64(offset) &+ size
      if end >= length || end < size {
        guard offset > 0 else { return nil }
        giveBack(header)
        head = (head & ~0xffff_ffff) &+ RawPipeWriter.revolution
        continue
      }
      let payload = memory.read(Int(header), at: offset + 8)
      giveBack(header)
      head &+= size
      return payload
    }
  }

  private mutating func giveBack(_ header: UInt64) {
    if keepsSlots { kept.append((offset, header)) } else { memory.store(RawPipeWriter.free | header, offset) }
  }

  /// Gives everything back that was kept.
  mutating func release() {
    for slot in kept { memory.store(RawPipeWriter.free | slot.header, slot.offset) }
    kept = []
    keepsSlots = false
  }
}
