import LinkQueue
import LinkTestSupport
import Testing

/// A pipe whose other end lies. It may only be refused: no trap (the model memory traps on every stray access), no work
/// without end.
@Suite struct PipeHostileTests {
  private let free: UInt64 = 0x8000_0000_0000_0000

  /// A reader that stands at `offset` and finds `header` there.
  private func pull(at offset: Int, _ header: UInt64, front: UInt64? = nil) -> (slot: PipeSlot?, isCorrupt: Bool) {
    var pipe = ModelPipe(64)
    pipe.advance(to: offset)
    if let front { pipe.memory[0] = front }
    pipe.memory[offset] = header
    _ = pipe.memory.takeAccesses()
    let slot = pipe.reader.pull()
    #expect(pipe.memory.takeAccesses() <= 4)
    if pipe.reader.isCorrupt {
      // It stays so, whatever the peer does then.
      pipe.memory[offset] = 8
      pipe.memory[0] = 8
      #expect(pipe.reader.pull() == nil)
      #expect(pipe.reader.isEmpty == true)
      pipe.reader.flush()
      #expect(pipe.memory[offset] == 8)
    }
    return (slot, pipe.reader.isCorrupt)
  }

  @Test(
    arguments: [
      0, 49, 55, 56, 57, 64, 0x1000, 0xffff_ffc8, 0xffff_fff7, 0xffff_ffff, 1 << 32, 1 << 32 | 8, 1 << 62,
      (1 << 63) - 1, (1 << 63) - 8,
    ] as [UInt64])
  func `a slot at the front that is empty or reaches the end of the ring`(header: UInt64) {
    let result = pull(at: 0, header)
    #expect(result.slot == nil)
    #expect(result.isCorrupt)
  }

  @Test func `a wrap slot at offset 0 would make an endless chain`() {
    #expect(pull(at: 0, 0xffff_fff8).isCorrupt)
    #expect(pull(at: 0, 0xffff_fff8).slot == nil)
  }

  @Test(
    arguments: [
      0, 17, 24, 32, 0xffff_ffd0, 0xffff_ffd7, 0xffff_ffd9, 0xffff_ffe0, 0x1_ffff_ffd8, 0x7fff_ffff_ffff_ffd8,
      0xffff_ffff, (1 << 63) - 1,
    ] as [UInt64])
  func `a wrap slot other than the one that belongs there`(header: UInt64) {
    let result = pull(at: 32, header)
    #expect(result.slot == nil)
    #expect(result.isCorrupt)
  }

  @Test func `the wrap slot that belongs there is followed, to a message or to nothing`() {
    #expect(pull(at: 32, 0xffff_ffd8, front: free).isCorrupt == false)
    #expect(pull(at: 32, 0xffff_ffd8, front: 8).slot?.place == [8, 8])
  }

  @Test(arguments: [0, 49, 0xffff_fff8, 0xffff_ffd8, (1 << 63) - 1] as [UInt64])
  func `a lie behind a wrap slot`(front: UInt64) {
    let result = pull(at: 32, 0xffff_ffd8, front: front)
    #expect(result.slot == nil)
    #expect(result.isCorrupt)
  }

  @Test func `a wrap slot at the last word of the ring`() {
    #expect(pull(at: 56, 0xffff_ffc0, front: 16).slot?.place == [8, 16])
    #expect(pull(at: 56, 8).isCorrupt)
  }

  @Test func `a message over slots that were not given back`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 16)
    #expect(pipe.writer.push(24) != nil)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.place == [24, 24])
    pipe.memory[48] = 0xffff_ffc8
    pipe.memory[0] = 16
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isCorrupt == true)
    // What was pulled is still given back.
    pipe.reader.flush()
    #expect(pipe.memory[16] & free != 0)
  }

  @Test func `a peer that publishes without end cannot make the reader pull more than a ring`() {
    var pipe = ModelPipe(4096)
    for offset in stride(from: 0, to: 4096, by: 8) { pipe.memory[offset] = 1 }
    var pulled = 0
    while pipe.reader.pull() != nil { pulled += 1 }
    #expect(pulled <= 4096 / 16)
    #expect(pipe.memory.takeAccesses() <= 4096 / 16 + 4)
  }

  /// A writer that filled 64 bytes with three messages and finds `header` where the first was.
  private func pushAgain(_ header: UInt64) -> (slot: PipeSlot?, isCorrupt: Bool) {
    var pipe = ModelPipe(64)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    pipe.memory[0] = header
    _ = pipe.memory.takeAccesses()
    let slot = pipe.writer.push(8)
    #expect(pipe.memory.takeAccesses() <= 12)
    pipe.writer.abort()
    return (slot, pipe.writer.isCorrupt)
  }

  @Test func `free slots that pass what was written or leave the ring`() {
    // Everything up to the wrap slot's beginning may be free; with the wrap slot, the revolution less the header.
    #expect(pushAgain(free | 40).slot != nil)
    for size: UInt64 in [0xffff_fff9, 0xffff_ffff, 57, 64, 0x1000, 0x7fff_ffff, 0xffff_ff00] {
      #expect(pushAgain(free | size).slot == nil, "\(size)")
      #expect(pushAgain(free | size).isCorrupt, "\(size)")
    }
    // Bits in between are nobody's.
    for bits: UInt64 in [1 << 32, 1 << 62, 0x7fff_ffff_0000_0000] {
      #expect(pushAgain(free | bits | 40).slot == nil)
      #expect(pushAgain(free | bits | 40).isCorrupt)
    }
    // Not free: nothing to reclaim, and no harm.
    for header: UInt64 in [0, 8, 0xffff_ffff, (1 << 63) - 1] {
      #expect(pushAgain(header).slot == nil)
      #expect(pushAgain(header).isCorrupt == false)
    }
  }

  @Test func `a free slot behind the writer's own place is never believed`() {
    // Everything is given back, then the peer frees the ring a second time.
    var pipe = ModelPipe(64)
    for _ in 0..<2 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    for offset in stride(from: 0, to: 64, by: 8) { pipe.memory[offset] = free }
    for _ in 0..<8 where pipe.writer.push(8) != nil {}
    #expect(pipe.writer.push(8) == nil)
    pipe.writer.flush()
    // Three messages at most lie in the ring, whatever the peer said.
    #expect(pipe.memory.takeAccesses() < 64)
  }

  @Test(arguments: [32, 64, 100, 4096]) func `random words never make either end stray or work long`(byteCount: Int) {
    var random = SeededRandom("hostile pipe of \(byteCount) bytes")
    let memory = ModelMemory.pipe(byteCount)
    var pipe = ModelPipe(memory)
    let length = byteCount / 8 * 8
    var revivals = 0
    for _ in 0..<50_000 {
      if pipe.reader.isCorrupt || pipe.writer.isCorrupt {
        revivals += 1
        for offset in stride(from: 0, to: length, by: 8) { memory[offset] = 0 }
        memory[0] = free
        pipe = ModelPipe(memory)
      }
      for _ in 0..<random.next() % 3 {
        memory[Int(random.next() % UInt64(length / 8)) * 8] = random.plausibleHeader(length)
      }
      _ = memory.takeAccesses()
      var slot: PipeSlot?
      switch random.next() % 5 {
      case 0, 1: slot = pipe.writer.push(1 + Int(random.next() % UInt64(length)))
      case 2: random.next() % 4 == 0 ? pipe.writer.abort() : pipe.writer.flush()
      case 3: slot = pipe.reader.pull()
      default: pipe.reader.flush()
      }
      if let slot, slot.offset % 8 != 0 || slot.offset < 8 || slot.offset + slot.byteCount > length {
        Issue.record("slot \(slot.place) in \(length) bytes")
      }
      if memory.takeAccesses() > length / 8 + 4 { Issue.record("too much work for one call") }
      _ = memory.takeStores()
    }
    #expect(revivals > 0)
  }
}

extension SeededRandom {
  /// A header as a peer would choose it to do harm: half true, near an edge, or anything.
  mutating func plausibleHeader(_ length: Int) -> UInt64 {
    let small = next() % UInt64(length + 16)
    switch next() % 8 {
    case 0: return small
    case 1: return 1 << 63 | small
    case 2: return 1 << 32 &- small
    case 3: return 1 << 63 | (1 << 32 &- small)
    case 4: return 0
    case 5: return 1 << 63
    case 6: return 1 + next() % 40
    default: return next()
    }
  }
}
