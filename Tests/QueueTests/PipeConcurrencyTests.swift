import LinkQueue
import LinkSystem
import LinkTestSupport
import Testing

/// Two threads that spin for each other. One test at a time: on two cores they would wait for each other's time slices.
@Suite(.serialized) struct TwoThreadTests {}

/// One thread writes, one reads, over one mapping.
extension TwoThreadTests {
  @Test(arguments: [(64, 5000), (256, 20_000), (4096, 50_000)])
  func `a concurrent reader gets every message whole and in order`(byteCount: Int, messages: Int)
    throws
  {
    let random = SeededRandom("concurrent pipe of \(byteCount) bytes")
    let memory = PrivateRegion(byteCount: byteCount)
    Pipe.initialize(memory.region)
    let deadline = monotonicNanoseconds() + 60_000_000_000
    let thread = try SystemThread(name: "writer") { [random] in
      var random = random
      var writer = PipeWriter(memory.region)
      for number in 0..<messages {
        let words = Self.words(number, writer.maxByteCount, &random)
        var slot = writer.push(words * 8)
        while slot == nil {
          writer.flush()
          spinPause()
          if monotonicNanoseconds() > deadline { return }
          slot = writer.push(words * 8)
        }
        for word in 0..<words { memory.region.setField64(Self.content(number, word), slot!.offset + word * 8) }
        if random.next() % 4 == 0 || number == messages - 1 { writer.flush() }
      }
    }
    var seconds = random
    var reader = PipeReader(memory.region)
    var wrong = 0
    var isStuck = false
    for number in 0..<messages {
      let words = Self.words(number, byteCount - 16, &seconds)
      var slot = reader.pull()
      while slot == nil, !isStuck {
        reader.flush()
        spinPause()
        isStuck = monotonicNanoseconds() > deadline || reader.isCorrupt
        slot = reader.pull()
      }
      guard let slot else { break }
      if slot.byteCount != words * 8 { wrong += 1 }
      for word in 0..<slot.byteCount / 8
      where memory.region.field64(slot.offset + word * 8) != Self.content(number, word) { wrong += 1 }
      if seconds.next() % 4 == 0 { reader.flush() }
    }
    reader.flush()
    thread.join()
    #expect(wrong == 0)
    #expect(reader.pull() == nil)
    #expect(reader.isCorrupt == false)
    #expect(!isStuck)
  }

  /// A size in words that both ends find out: mostly small, now and then the largest.
  private static func words(_ number: Int, _ mostByteCount: Int, _ random: inout SeededRandom) -> Int {
    let draw = random.next()
    return draw % 16 == 0 ? mostByteCount / 8 : 1 + Int(draw >> 8) % min(8, mostByteCount / 8)
  }

  private static func content(_ number: Int, _ word: Int) -> UInt64 {
    UInt64(number) &* 0x9e37_79b9_7f4a_7c15 ^ UInt64(word)
  }
}
