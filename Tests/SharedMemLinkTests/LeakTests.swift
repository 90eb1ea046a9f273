import LinkTestSupport
import Testing

// The short form of `Tools/check soak`, in processes of their own.

@Test func `300 links over shared memory leave nothing behind`() async {
  await #expect(processExitsWith: .success) { try Soak.cycles(300, LinkPairFactory.sharedMemory) { print($0) } }
}

@Test func `a stuck consumer of shared memory does not make the process grow`() async {
  await #expect(processExitsWith: .success) {
    try Soak.stuckConsumer(seconds: 2, LinkPairFactory.sharedMemory) { print($0) }
  }
}
