import LinkQueue
import Testing

/// What a pipe does, one situation at a time. 64 bytes hold three slots of 16 and keep the last 16 for a wrap slot.
@Suite struct PipeTests {
  @Test func `what was pushed and flushed is pulled`() {
    var pipe = ModelPipe(64)
    let pushed = pipe.writer.push(9)
    #expect(pushed?.offset == 8)
    #expect(pushed?.byteCount == 9)
    pipe.memory.setField64(0x1122_3344_5566_7788, 8)
    pipe.writer.flush()
    #expect(pipe.reader.isEmpty == false)
    #expect(pipe.reader.pull() == pushed)
    #expect(pipe.memory.field64(8) == 0x1122_3344_5566_7788)
    #expect(pipe.reader.pull() == nil)
  }

  @Test func `a flush fetches what as many messages again will be written to, of a small ring less`() {
    var pipe = ModelPipe(4096)
    for _ in 0..<3 { #expect(pipe.writer.push(24) != nil) }
    #expect(pipe.memory.hints.isEmpty)
    pipe.writer.flush()
    pipe.writer.flush()
    #expect(pipe.memory.hints == [[96 + 64, 96]])
    #expect(pipe.writer.push(1000) != nil)
    pipe.writer.flush()
    #expect(pipe.memory.hints.last == [96 + 1008 + 64, 512])
  }

  @Test(arguments: [
    (1, 64, 2048, 64), (1, 1500, 2048, 1500), (1, 65000, 2048, 2048), (1, 65000, 65536, 2048), (1, 1, 64, 1),
    (32, 32 * 64, 2048, 64), (32, 32 * 1500, 2048, 256), (2, 2 * 300, 64, 64), (64, 64 * 65000, 2048, 256),
  ])
  func `of a packet alone a whole buffer is fetched, of many their beginnings`(
    count: Int, bytes: Int, bufferByteCount: Int, fetched: Int
  ) {
    #expect(TransmitQueue.prefetchedByteCount(count, bytes, bufferByteCount) == fetched)
  }

  @Test func `an empty pipe gives nothing`() {
    var pipe = ModelPipe(64)
    #expect(pipe.reader.isEmpty == true)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isCorrupt == false)
  }

  @Test func `pulling before the flush gives nothing`() {
    var pipe = ModelPipe(64)
    #expect(pipe.writer.push(8) != nil)
    #expect(pipe.reader.isEmpty == true)
    #expect(pipe.reader.pull() == nil)
    pipe.writer.flush()
    #expect(pipe.reader.pull() != nil)
  }

  @Test(arguments: [(64, 48), (37, 16), (32, 16), (96, 80), (4096, 4080)])
  func `the largest message fits and a larger one never does`(byteCount: Int, most: Int) {
    var pipe = ModelPipe(byteCount)
    #expect(pipe.writer.maxByteCount == most)
    for tooLarge in [most + 1, most + 8, byteCount, 1 << 31, 0xffff_ffff, 1 << 40] {
      #expect(pipe.writer.push(tooLarge) == nil)
    }
    pipe.writer.flush()
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.writer.push(most) != nil)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.byteCount == most)
  }

  @Test func `a full pipe refuses until the reader gives room back`() {
    var pipe = ModelPipe(64)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    #expect(pipe.writer.push(8) == nil)
    pipe.writer.flush()
    #expect(pipe.writer.push(8) == nil)
    #expect(pipe.reader.pull()?.offset == 8)
    #expect(pipe.writer.push(8) == nil)
    pipe.reader.flush()
    #expect(pipe.writer.push(8)?.offset == 8)
    #expect(pipe.writer.push(8) == nil)
  }

  @Test func `a writer that owns the whole ring and asks for more is not deceived by its own message`() {
    // The header of the first pending message is kept back: its slot still reads free.
    var pipe = ModelPipe(64)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    for _ in 0..<3 { #expect(pipe.writer.push(8) == nil) }
    #expect(pipe.writer.isCorrupt == false)
    pipe.writer.flush()
    for _ in 0..<3 { #expect(pipe.reader.pull() != nil) }
    pipe.reader.flush()
    #expect(pipe.writer.push(8) != nil)
  }

  @Test func `everything is pulled out of a full pipe and it is empty again`() {
    var pipe = ModelPipe(64)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    #expect([8, 24, 40].allSatisfy { pipe.reader.pull()?.offset == $0 })
    #expect(pipe.reader.pull() == nil)
    pipe.reader.flush()
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    #expect(pipe.writer.push(8) == nil)
  }

  @Test func `a reader that pulled the whole ring finds nothing more`() {
    // A wrap slot, and messages up to the very slot that was pulled first: the next index is the first one, one
    // revolution on, where the header of a message that was not given back still lies.
    var pipe = ModelPipe(64)
    pipe.advance(to: 32)
    #expect(pipe.writer.push(8)?.offset == 40)
    #expect(pipe.writer.push(24)?.offset == 8)
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.offset == 40)
    #expect(pipe.reader.pull()?.offset == 8)
    #expect(pipe.reader.isEmpty == true)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.reader.isCorrupt == false)
    pipe.reader.flush()
    #expect(pipe.reader.isEmpty == true)
    #expect(pipe.writer.push(8)?.offset == 40)
  }

  @Test func `a second flush of either side does nothing`() {
    var pipe = ModelPipe(64)
    pipe.writer.flush()
    pipe.reader.flush()
    #expect(pipe.memory.takeStores() == [])
    #expect(pipe.writer.push(8) != nil)
    pipe.writer.flush()
    _ = pipe.memory.takeStores()
    pipe.writer.flush()
    #expect(pipe.memory.takeStores() == [])
    #expect(pipe.reader.pull() != nil)
    pipe.reader.flush()
    _ = pipe.memory.takeStores()
    pipe.reader.flush()
    #expect(pipe.memory.takeStores() == [])
  }

  @Test func `what was aborted is never seen, and its room is there again`() {
    var pipe = ModelPipe(64)
    #expect(pipe.writer.push(8) != nil)
    pipe.writer.flush()
    #expect(pipe.writer.push(8)?.offset == 24)
    #expect(pipe.writer.push(8)?.offset == 40)
    pipe.writer.abort()
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.offset == 8)
    #expect(pipe.reader.pull() == nil)
    #expect(pipe.writer.push(24)?.place == [24, 24])
    pipe.writer.flush()
    #expect(pipe.reader.pull()?.place == [24, 24])
    #expect(pipe.reader.pull() == nil)
  }

  @Test func `the usable length is a multiple of eight`() {
    #expect([32, 37, 39, 40, 65535].map(Pipe.length) == [32, 32, 32, 40, 65528])
  }

  @Test(arguments: [(65536, 8, 4095), (64, 8, 3), (64, 32, 1), (32, 8, 1), (96, 32, 2), (37, 8, 1), (4096, 8, 255)])
  func `a pipe's capacity is what it takes of one size`(byteCount: Int, message: Int, count: Int) {
    #expect(Pipe.capacity(pipeByteCount: byteCount, messageByteCount: message) == count)
    var pipe = ModelPipe(byteCount)
    for _ in 0..<20 {
      // Wherever the first of them lies.
      var pushed = 0
      while pipe.writer.push(message) != nil { pushed += 1 }
      pipe.writer.flush()
      #expect(pushed == count)
      for _ in 0..<count { #expect(pipe.reader.pull() != nil) }
      pipe.reader.flush()
      #expect(pipe.writer.push(message) != nil)
      pipe.writer.flush()
      #expect(pipe.reader.pull() != nil)
      pipe.reader.flush()
    }
  }
}
