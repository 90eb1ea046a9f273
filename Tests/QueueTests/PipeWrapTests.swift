import LinkQueue
import Testing

/// The end of the ring. In 64 bytes, a slot of 24 at 40 would reach the end, so it wraps.
@Suite struct PipeWrapTests {
  @Test func `a message that would reach the end goes to the front`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 40)
    #expect(pipe.writer.push(16)?.offset == 8)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.place == [8, 16])
    #expect(pipe.reader.pull() == nil)
  }

  @Test func `a message that ends eight bytes before the end stays`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 40)
    #expect(pipe.writer.push(8)?.offset == 48)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.offset == 48)
  }

  @Test func `a wrap in the middle of a transaction stays invisible with it`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8)?.offset == 40)
    #expect(pipe.writer.push(8)?.offset == 8)
    #expect(pipe.reader.isEmpty == true)
    #expect(pipe.reader.pull() == nil)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.offset == 40)
    #expect(pipe.reader.pull()?.offset == 8)
    #expect(pipe.reader.pull() == nil)
  }

  @Test func `an abort across a wrap takes everything back`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8)?.offset == 40)
    #expect(pipe.writer.push(8)?.offset == 8)
    pipe.writer.abort()
    pipe.writer.flush()
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.writer.push(16)?.place == [40, 16])
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.place == [40, 16])
  }

  @Test func `an abort behind a published wrap slot leaves the wrap slot`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 40)
    #expect(pipe.writer.push(16)?.offset == 8)
    pipe.writer.abort()
    pipe.writer.flush()
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isCorrupt == false)
    #expect(pipe.writer.push(24)?.offset == 8)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.place == [8, 24])
  }

  @Test func `without room for the wrap slot nothing changes`() {
    var pipe = ModelPipe(64)
    #expect(pipe.writer.push(24) != nil)
    pipe.writer.flush()
    pipe.advancePast(messageOf: 24)
    // From 32: one message up to 56, and the front is still the reader's.
    #expect(pipe.writer.push(8) != nil)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.offset == 40)
    #expect(pipe.writer.push(40) == nil)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isCorrupt == false)
    pipe.reader.flush()
    #expect(pipe.writer.push(40)?.offset == 8)
  }

  @Test func `a wrap needs the whole rest of the ring free`() {
    var pipe = ModelPipe(64)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    _ = pipe.memory.takeStores()
    // The front is not free, the rest is: the wrap slot goes out, the message does not.
    #expect(pipe.writer.push(8) == nil)
    #expect(pipe.memory.takeStores() == [.releasing(48, 0xffff_ffc8)])
    #expect([8, 24, 40].allSatisfy { pipe.reader.pull()?.offset == $0 })
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isEmpty == true)
    pipe.reader.flush()
    #expect(pipe.memory.takeStores() == [.releasing(0, 0x8000_0000_ffff_fff8)])
    #expect(pipe.writer.push(8)?.offset == 8)
  }

  @Test func `a wrap slot that comes first is published and given back at once`() {
    // 40 bytes do not fit in front of offset 32 before the reader has given the wrap slot back.
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(40) == nil)
    #expect(pipe.memory[32] == 0xffff_ffd8)
    #expect(pipe.reader.isEmpty == false)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.memory[32] == 0x8000_0000_ffff_ffd8)
    #expect(pipe.writer.push(40)?.offset == 8)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.byteCount == 40)
  }

  @Test func `the revolution counter wraps and nothing happens`() {
    var pipe = ModelPipe(64)
    for round in 0..<64 {
      // Three revolutions reach zero; each round here is more than one.
      for size in [8, 24, 16, 1] {
        var slot = pipe.writer.push(size)
        if slot == nil {
          #expect(pipe.reader.pull() == nil)
          slot = pipe.writer.push(size)
        }
        #expect(slot?.byteCount == size)
        pipe.writer.flush()
        #expect(pipe.reader.pull() == slot, "round \(round)")
        #expect(pipe.reader.pull() == nil)
        pipe.reader.flush()
      }
    }
    #expect(pipe.reader.isCorrupt == false)
    #expect(pipe.writer.isCorrupt == false)
  }

  @Test(arguments: 0..<6) func `a pipe fills exactly while the counter passes zero`(revolutions: Int) {
    var pipe = ModelPipe(64)
    for _ in 0..<revolutions * 3 {
      #expect(pipe.writer.push(8) != nil)
      pipe.writer.flush()
      #expect(pipe.reader.pull() != nil)
      pipe.reader.flush()
    }
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    #expect(pipe.writer.push(8) == nil)
    pipe.writer.flush()
    for _ in 0..<3 { #expect(pipe.reader.pull() != nil) }
    #expect(pipe.reader.pull() == nil)
  }
}

extension ModelPipe {
  /// Pulls one message of `byteCount` bytes and gives it back.
  fileprivate mutating func advancePast(messageOf byteCount: Int) {
    #expect(reader.pull()?.byteCount == byteCount)
    reader.flush()
  }
}
