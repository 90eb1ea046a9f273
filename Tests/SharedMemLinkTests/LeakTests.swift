import LinkTestSupport
import Testing

@Test func `200 links over shared memory leave nothing behind`() async {
  await #expect(processExitsWith: .success) {
    // What the first use of anything allocates for good is not a leak.
    for pairs in LinkPairFactory.sharedMemory { try LinkConformance.cycles(3, pairs) }
    let before = try ResourceSnapshot.baseline()
    for pairs in LinkPairFactory.sharedMemory { try LinkConformance.cycles(50, pairs) }
    _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
    let excess = try ResourceSnapshot().excess(over: before)
    try #require(excess == [], "\(excess)")
  }
}
