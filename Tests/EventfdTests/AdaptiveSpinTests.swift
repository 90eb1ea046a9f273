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

  @Test func `a spin that found nothing is the last until a short sleep`() throws {
    var spin = AdaptiveSpin(nanoseconds: 100_000)
    let isOver = spinOut(&spin)
    try #require(isOver)
    #expect(!spins(&spin))
    spin.succeeded()
    #expect(!spins(&spin))
    spin.slept(nanoseconds: 200_000)
    #expect(!spins(&spin))
    spin.slept(nanoseconds: 199_999)
    #expect(spins(&spin))
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
