import LinkQueue
import LinkTestSupport
import Testing

@Suite struct NotificationTests {
  @Test func `a fresh page wants to be rung`() {
    let page = PrivateRegion(byteCount: 4096)
    #expect(NotificationWord(page.region).isWanted())
    #expect(page.region.field32(0) == 0)
  }

  @Test func `disabling writes 1 and enabling writes 2`() {
    let page = PrivateRegion(byteCount: 4096)
    let word = NotificationWord(page.region)
    word.disable()
    #expect(page.region.field32(0) == 1)
    #expect(!word.isWanted())
    word.enable()
    #expect(page.region.field32(0) == 2)
    #expect(word.isWanted())
    #expect((4..<4096).allSatisfy { $0 % 4 != 0 || page.region.field32($0) == 0 })
  }

  @Test func `a word that means nothing rings rather than not`() {
    let page = PrivateRegion(byteCount: 4096)
    for value: UInt32 in [3, 0x100, 0x1_0000, 0x0100_0001, .max] {
      page.region.storeFlag(value, 0)
      #expect(NotificationWord(page.region).isWanted())
    }
  }
}

extension TwoThreadTests {
  @Test func `no wake-up is lost in two million rounds of the handshake`() throws {
    var random = SeededRandom("bell litmus")
    let result = try HandshakeLitmus { BellHandshake($0) }.run(rounds: 2_000_000, seed: random.next())
    #expect(result.played >= 2_000_000)
    #expect(result.failures == 0)
  }
}
