import LinkQueue
import LinkTestSupport
import Testing

@Suite struct PipeScoutTests {
  @Test func `sees each message once, in order, before it is pulled, and not too early`() {
    var pipe = ModelPipe(4096)
    let pushed = (0..<60).map { pipe.writer.push(8 + $0 % 5 * 8)! }
    pipe.writer.flush()
    var scout = PipeScout()
    var seen: [PipeSlot] = []
    #expect(pipe.reader.pull() == pushed[0])
    for pulled in 2...60 {
      #expect(pipe.reader.pull() == pushed[pulled - 1])
      scout.goAhead(of: pipe.reader) { seen.append($0) }
      // The first two come before it begins.
      let lead = seen.count + 2 - pulled
      #expect(lead == min(pulled, PipeScout.mostLead, 60 - pulled))
    }
    #expect(seen == Array(pushed[2...]))
  }

  @Test func `looks once where the writer is, and not again in this turn`() {
    var pipe = ModelPipe(4096)
    for _ in 0..<3 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    #expect(pipe.reader.pull() != nil)
    #expect(pipe.reader.pull() != nil)
    var scout = PipeScout()
    _ = pipe.memory.takeAccesses()
    var seen = 0
    scout.goAhead(of: pipe.reader) { _ in seen += 1 }
    #expect(seen == 1)
    #expect(pipe.memory.takeAccesses() == 2)
    #expect(pipe.writer.push(8) != nil)
    pipe.writer.flush()
    _ = pipe.memory.takeAccesses()
    #expect(pipe.reader.pull() != nil)
    _ = pipe.memory.takeAccesses()
    scout.goAhead(of: pipe.reader) { _ in seen += 1 }
    #expect(seen == 1)
    #expect(pipe.memory.takeAccesses() == 0)
  }

  @Test func `stops at a wrap slot`() {
    var pipe = ModelPipe(96)
    pipe.advance(to: 48)
    for _ in 0..<4 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    #expect(pipe.reader.pull() != nil)
    var scout = PipeScout()
    var seen: [PipeSlot] = []
    scout.goAhead(of: pipe.reader) { seen.append($0) }
    #expect(seen.map(\.offset) == [72])
    scout.goAhead(of: pipe.reader) { seen.append($0) }
    #expect(seen.count == 1)
  }

  @Test func `goes no further than the writer can have been`() {
    var pipe = ModelPipe(96)
    pipe.advance(to: 48)
    // To the end, over it, and up to what was not given back.
    for _ in 0..<4 { #expect(pipe.writer.push(8) != nil) }
    pipe.writer.flush()
    for _ in 0..<3 { #expect(pipe.reader.pull() != nil) }
    #expect(pipe.reader.messageCount(atMost: 8) == 1)
    var scout = PipeScout()
    var seen: [Int] = []
    scout.goAhead(of: pipe.reader) { seen.append($0.offset) }
    #expect(seen == [24])
    // Whatever is written behind it.
    pipe.memory[32] = 8
    pipe.memory[48] = 8
    scout = PipeScout()
    seen = []
    for _ in 0..<4 { scout.goAhead(of: pipe.reader) { seen.append($0.offset) } }
    #expect(seen == [24, 40])
  }

  @Test func `whatever the peer writes, it reads and tells of nothing outside the pipe`() {
    var random = SeededRandom("scout")
    let words: [UInt64] = [
      0, 1, 8, 48, 49, 88, 96, 1 << 31, 1 << 32, (1 << 32) - 24, (1 << 32) - 56, 1 << 63, 1 << 63 | 8, .max, .max - 8,
    ]
    var total = 0
    for _ in 0..<20_000 {
      var pipe = ModelPipe(96)
      for offset in stride(from: 0, to: 96, by: 8) { pipe.memory[offset] = words.randomElement(using: &random)! }
      var scout = PipeScout()
      var seen = 0
      for _ in 0..<8 {
        _ = pipe.reader.pull()
        scout.goAhead(of: pipe.reader) {
          seen += 1
          #expect($0.offset >= 8 && $0.byteCount > 0 && $0.offset + $0.byteCount <= 96, "seed \(random.seed)")
        }
      }
      #expect(seen <= 16)
      total += seen
    }
    #expect(total > 1000)
  }
}
