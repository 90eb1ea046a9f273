import LinkTestSupport
import Testing

// The short form of `Tools/check soak`, in processes of their own.

@Test func `300 links over descriptors leave nothing behind`() async {
  await #expect(processExitsWith: .success) { try Soak.cycles(300, LinkPairFactory.descriptors) { print($0) } }
}

@Test func `a stuck consumer of a descriptor does not make the process grow`() async {
  await #expect(processExitsWith: .success) {
    try Soak.stuckConsumer(seconds: 2, LinkPairFactory.descriptors) { print($0) }
  }
}

@Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
func `links over interfaces leave nothing behind, their rings neither`() async {
  await #expect(processExitsWith: .success) {
    for pairs in LinkPairFactory.devices { try LinkConformance.cycles(1, pairs) }
    let before = try ResourceSnapshot.baseline()
    for pairs in LinkPairFactory.devices { try LinkConformance.cycles(10, pairs) }
    _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
    let excess = try ResourceSnapshot().excess(over: before)
    try #require(excess == [], "\(excess)")
  }
}
