import LinkQueue
import LinkTestSupport
import Testing

/// The bytes of a pipe and the order in which they are written, computed by hand from the wire format.
@Suite struct PipeLayoutTests {
  private let free: UInt64 = 0x8000_0000_0000_0000

  @Test func `the creator writes eight bytes`() {
    let memory = PrivateRegion(byteCount: 64)
    Pipe.initialize(memory.region)
    // 00 00 00 00 00 00 00 80, little endian.
    #expect(memory.region.field32(0) == 0)
    #expect(memory.region.field32(4) == 0x8000_0000)
    #expect((2..<16).allSatisfy { memory.region.field32($0 * 4) == 0 })
  }

  @Test func `a batch is published by one release store of its first header, after all others`() {
    var pipe = ModelPipe(128)
    for size in [8, 9, 3] { #expect(pipe.writer.push(size) != nil) }
    // 8 + 8 = 16, 8 + 9 padded to 24, 8 + 3 padded to 16: slots at 0, 16, 40, and the free one at 56.
    #expect(pipe.memory.takeStores() == [.plain(16, 9), .plain(40, 3)])
    pipe.writer.flush()
    #expect(pipe.memory.takeStores() == [.plain(56, free), .releasing(0, 8)])
    #expect([0, 16, 40, 56].map { pipe.memory[$0] } == [8, 9, 3, free])
  }

  @Test func `the reader frees everything pulled with one release store`() {
    var pipe = ModelPipe(128)
    for size in [8, 9, 3] { #expect(pipe.writer.push(size) != nil) }
    pipe.writer.flush()
    _ = pipe.memory.takeStores()
    #expect(pipe.reader.pull() != nil)
    #expect(pipe.reader.pull() != nil)
    #expect(pipe.memory.takeStores() == [])
    pipe.reader.flush()
    // 16 + 24 bytes, less the header.
    #expect(pipe.memory.takeStores() == [.releasing(0, free | 32)])
    #expect(pipe.reader.pull() != nil)
    pipe.reader.flush()
    #expect(pipe.memory.takeStores() == [.releasing(40, free | 8)])
  }

  @Test func `a wrap slot in a batch is a plain store and holds the distance of its revolution`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8)?.offset == 40)
    #expect(pipe.memory.takeStores() == [])
    #expect(pipe.writer.push(8)?.offset == 8)
    // 2^32 - 48 - 8.
    #expect(pipe.memory.takeStores() == [.plain(48, 0xffff_ffc8), .plain(0, 8)])
    pipe.writer.flush()
    #expect(pipe.memory.takeStores() == [.plain(16, free), .releasing(32, 8)])
  }

  @Test func `a wrap slot that comes first is published before its message, behind a free front`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 40)
    #expect(pipe.writer.push(16)?.offset == 8)
    // Offset 0 is at the head, where the reader's free slot lies.
    #expect(pipe.memory.takeStores() == [.releasing(40, 0xffff_ffd0)])
    #expect(pipe.memory[0] == free | 32)
    pipe.writer.flush()
    #expect(pipe.memory.takeStores() == [.plain(24, free), .releasing(0, 16)])
  }

  @Test func `a front that was reclaimed is marked free before the wrap slot is published`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    for _ in 0..<2 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    for _ in 0..<2 { #expect(pipe.reader.pull() != nil) }
    pipe.reader.flush()
    // The free slot from 32 to 16 brings the head there, past the front.
    #expect(pipe.writer.push(24)?.offset == 24)
    pipe.writer.flush()
    #expect(pipe.reader.pull() != nil)
    pipe.reader.flush()
    pipe.memory[0] = 0x6666
    _ = pipe.memory.takeStores()
    #expect(pipe.writer.push(16)?.offset == 8)
    #expect(pipe.memory.takeStores() == [.plain(0, free), .releasing(48, 0xffff_ffc8)])
  }

  @Test func `a free slot reaches across a wrap`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8) != nil)
    #expect(pipe.writer.push(8) != nil)
    pipe.writer.flush()
    _ = pipe.memory.takeStores()
    #expect(pipe.reader.pull() != nil)
    #expect(pipe.reader.pull() != nil)
    pipe.reader.flush()
    // From 32 to 16 of the next revolution: 2^32 - 16, less the header.
    #expect(pipe.memory.takeStores() == [.releasing(32, free | 0xffff_ffe8)])
    #expect(pipe.writer.push(24)?.offset == 24)
  }

  @Test func `a wrap slot pulled first is freed at once, alone`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 40)
    #expect(pipe.writer.push(16)?.offset == 8)
    pipe.writer.flush()
    _ = pipe.memory.takeStores()
    #expect(pipe.reader.pull()?.offset == 8)
    #expect(pipe.memory.takeStores() == [.releasing(40, free | 0xffff_ffd0)])
    pipe.reader.flush()
    #expect(pipe.memory.takeStores() == [.releasing(0, free | 16)])
  }

  @Test func `the slot at the head is not marked free, it is the reader's`() {
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8) != nil)
    #expect(pipe.writer.push(24)?.offset == 8)
    _ = pipe.memory.takeStores()
    pipe.writer.flush()
    #expect(pipe.memory.takeStores() == [.releasing(32, 8)])
  }

  @Test func `an odd tail of the file is never touched`() {
    let file = PrivateRegion(byteCount: 37)
    for offset in [32] { file.region.storeFlag(0x5a5a_5a5a, offset) }
    Pipe.initialize(file.region)
    var writer = PipeWriter(file.region)
    var reader = PipeReader(file.region)
    for _ in 0..<50 {
      #expect(writer.push(8) != nil || (reader.pull() == nil && writer.push(8) != nil))
      writer.flush()
      #expect(reader.pull() != nil)
      reader.flush()
    }
    #expect(file.region.field32(32) == 0x5a5a_5a5a)
  }
}
