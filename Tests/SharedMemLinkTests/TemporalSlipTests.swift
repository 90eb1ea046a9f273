import LinkCore
import SharedMemLink
import Testing

@Suite struct TemporalSlipTests {
  private var slip = TemporalSlip()

  @Test mutating func `packets that were there at once are not waited for`() {
    for _ in 0..<1000 {
      #expect(!slip.isDue)
      slip.found(1, hasWaited: false)
    }
  }

  @Test mutating func `where single packets come to who looks for them, it tries to wait after a while`() {
    #expect(turnsUntilWait() == 16)
  }

  @Test mutating func `it goes on waiting as long as more packets come meanwhile`() {
    _ = turnsUntilWait()
    for _ in 0..<1000 {
      look()
      #expect(slip.isDue)
      slip.found(TemporalSlip.worthwhile, hasWaited: true)
      // The rest of what had come.
      #expect(!slip.isDue)
      slip.found(1, hasWaited: false)
    }
  }

  @Test mutating func `a wait in vain is made up for by turns without one, twice as many each time`() {
    // The first one is free; then as many as before it.
    for expected in [16, 16, 32, 64, 128, 256, 512, 1024, 2048, 4096, 4096] {
      #expect(turnsUntilWait() == expected)
      slip.found(TemporalSlip.worthwhile - 1, hasWaited: true)
    }
  }

  @Test mutating func `a wait that paid clears the record`() {
    for _ in 0..<6 {
      _ = turnsUntilWait()
      slip.found(1, hasWaited: true)
    }
    _ = turnsUntilWait()
    slip.found(64, hasWaited: true)
    #expect(turnsUntilWait() == 0)
    slip.found(1, hasWaited: true)
    #expect(turnsUntilWait() == 16)
  }

  @Test mutating func `packets that come together anyway neither bring a wait nor end one`() {
    for _ in 0..<1000 {
      look()
      #expect(!slip.isDue)
      slip.found(TemporalSlip.worthwhile, hasWaited: false)
    }
    #expect(turnsUntilWait() == 16)
    slip.found(TemporalSlip.worthwhile, hasWaited: false)
    look()
    #expect(slip.isDue)
  }

  @Test mutating func `a wait for packets that are none was in vain`() {
    #expect(turnsUntilWait() == 16)
    slip.found(0, hasWaited: true)
    #expect(turnsUntilWait() == 16)
  }

  @Test mutating func `who sleeps, or has nowhere to put packets, does not wait for more`() {
    _ = turnsUntilWait()
    slip.pause()
    #expect(!slip.isDue)
  }

  @Test(arguments: RoomSetup.byHand) func `a link waits as seldom, and says how often it did`(setup: RoomSetup) throws {
    let (a, b) = try setup.pair()
    try a.attach()
    try b.attach(byHand: true)
    while b.link.step() != .idle {}
    for (rounds, slips) in [(16, 0), (1, 1), (16, 1), (1, 2), (32, 2), (1, 3)] as [(Int, UInt64)] {
      for _ in 0..<rounds {
        #expect(b.link.step() == .idle)
        #expect(try a.write(1) == 1)
        #expect(b.link.step() == .delivered)
      }
      #expect(b.link.statistics.received[.temporalSlip] == slips)
    }
    for _ in 0..<200 {
      #expect(b.link.step() == .idle)
      #expect(try a.write(RoomEnd.batchCount) == RoomEnd.batchCount)
      while b.link.step() == .delivered {}
    }
    #expect(b.link.statistics.received[.temporalSlip] == 3)
    try a.close()
    try b.close()
  }

  /// A turn that finds nothing.
  private mutating func look() { slip.found(0, hasWaited: false) }

  /// Single packets come, each behind a turn without any. How many are taken before the turn in which it is to wait.
  private mutating func turnsUntilWait() -> Int {
    for turns in 0...2 * TemporalSlip.mostTurns {
      look()
      if slip.isDue { return turns }
      slip.found(1, hasWaited: false)
    }
    return .max
  }
}
