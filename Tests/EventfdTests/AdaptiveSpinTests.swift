import Eventfd
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct AdaptiveSpinTests {
  @Test func `no time means no spin`() {
    var spin = AdaptiveSpin(nanoseconds: 0)
    #expect(!spins(&spin))
    spin.slept(nanoseconds: 0)
    #expect(!spins(&spin))
  }

  @Test func `a spin that found nothing is made up for by short sleeps, twice as many each time`() throws {
    var spin = AdaptiveSpin(nanoseconds: 100_000)
    for round in 1...8 {
      try #require(spinOut(&spin))
      let sleeps = 1 << min(round, 6)
      for _ in 0..<sleeps {
        #expect(!spins(&spin))
        spin.succeeded()
        // A long sleep shows nothing.
        spin.slept(nanoseconds: 800_000)
        #expect(!spins(&spin))
        spin.slept(nanoseconds: 799_999)
      }
      #expect(spins(&spin), "round \(round)")
    }
  }

  @Test func `a spin that found something clears the record`() throws {
    var spin = AdaptiveSpin(nanoseconds: 100_000)
    for _ in 0..<3 {
      try #require(spinOut(&spin))
      for _ in 0..<2 { spin.slept(nanoseconds: 0) }
      #expect(spins(&spin))
      spin.succeeded()
    }
  }

  @Test func `success begins a new spin`() {
    var spin = AdaptiveSpin(nanoseconds: 10_000_000_000)
    for _ in 0..<100 {
      #expect(spins(&spin))
      spin.succeeded()
    }
  }

  private func spins(_ spin: inout AdaptiveSpin) -> Bool { spin.shouldSpin() }

  private func spinOut(_ spin: inout AdaptiveSpin) -> Bool {
    let end = deadline()
    while monotonicNanoseconds() < end { if !spin.shouldSpin() { return true } }
    return false
  }
}
