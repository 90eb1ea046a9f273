import LinkQueue
import LinkTestSupport
import Testing

/// The three parties of one page.
private final class Ends {
  let page: PrivateRegion
  private var wish: RoomWish<SharedRegion>
  private var answer: RoomAnswer<SharedRegion>
  private var news: RoomNews<SharedRegion>

  init(_ page: PrivateRegion = PrivateRegion(byteCount: 4096)) {
    self.page = page
    wish = RoomWish(page.region)
    answer = RoomAnswer(page.region)
    news = RoomNews(page.region)
  }

  func make() { wish.make() }
  func withdraw() { wish.withdraw() }
  func isDue(isIdle: Bool = false) -> Bool { answer.isDue(isIdle: isIdle) }
  func isDueAtLast() -> Bool { answer.isDueAtLast() }
  func give() { answer.give() }
  func came() -> Bool { news.came() }
}

@Suite struct RoomTests {

  @Test func `a receiver says when it is made that it announces room`() {
    let page = PrivateRegion(byteCount: 4096)
    let wish = RoomWish(page.region)
    #expect(!wish.isHeard)
    #expect(!RoomNews(page.region).isPromised)
    _ = RoomAnswer(page.region)
    #expect(wish.isHeard)
    #expect(RoomNews(page.region).isPromised)
  }

  @Test func `a wish is answered at its fourth look, and once`() {
    let ends = Ends()
    for _ in 0..<10 { #expect(!ends.isDue()) }
    #expect(!ends.isDueAtLast())
    #expect(!ends.came())
    ends.make()
    #expect((0..<4).map { _ in ends.isDue() } == [false, false, false, true])
    ends.give()
    #expect(!ends.isDue() && !ends.isDueAtLast())
    #expect(ends.came())
    #expect(!ends.came())
  }

  @Test func `a receiver that has nothing to do answers at once`() {
    let ends = Ends()
    #expect(!ends.isDue(isIdle: true))
    ends.make()
    #expect(ends.isDue(isIdle: true))
    ends.give()
    #expect(!ends.isDue(isIdle: true))
  }

  @Test func `a receiver that stops looking answers at once`() {
    let ends = Ends()
    ends.make()
    #expect(ends.isDueAtLast())
    ends.give()
    #expect(!ends.isDueAtLast())
  }

  @Test func `a wish made anew is a new one, one that was withdrawn is none`() {
    let ends = Ends()
    for _ in 0..<3 {
      ends.make()
      #expect(ends.isDueAtLast())
      ends.give()
      #expect(ends.came())
      ends.make()
      for _ in 0..<3 { #expect(!ends.isDue()) }
      ends.withdraw()
      for _ in 0..<8 { #expect(!ends.isDue()) }
      #expect(!ends.isDueAtLast())
    }
  }

  @Test func `each word lies on a cache line of its own, and nothing else is touched`() {
    let ends = Ends()
    ends.make()
    #expect(ends.isDueAtLast())
    ends.give()
    #expect(ends.page.region.loadFlag(64) == 2)
    #expect(ends.page.region.loadFlag(128) == 3)
    #expect(
      stride(from: 0, to: 4096, by: 4).allSatisfy { [64, 128].contains($0) || ends.page.region.loadFlag($0) == 0 })
  }

  @Test func `whatever a peer writes into the words, a look is one look`() {
    var random = SeededRandom("room words")
    let ends = Ends()
    for _ in 0..<100_000 {
      let value = [0, 1, 2, 3, .max, UInt32(truncatingIfNeeded: random.next())][Int(random.next() % 6)]
      ends.page.region.storeFlag(value, random.next() % 2 == 0 ? 64 : 128)
      if ends.isDue() || ends.isDueAtLast() {
        ends.give()
        #expect(!ends.isDueAtLast())
      }
      if ends.came() { #expect(!ends.came()) }
      if random.next() % 8 == 0 { ends.make() }
    }
  }
}

extension TwoThreadTests {
  @Test func `no wish for room is lost in two million rounds of the handshake`() throws {
    var random = SeededRandom("room litmus")
    let result = try HandshakeLitmus { RoomHandshake($0) }.run(rounds: 2_000_000, seed: random.next())
    #expect(result.played >= 2_000_000)
    #expect(result.failures == 0)
  }
}
