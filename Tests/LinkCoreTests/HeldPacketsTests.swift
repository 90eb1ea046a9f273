import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

struct HeldPacketsTests {
  /// Takes everything, or nothing.
  private struct Link: PlainWrite {
    var offloads: OffloadSupport { [] }
    let limits = SendLimits(mtu: 1500, headerLength: 0)
    /// Told when it takes nothing.
    var refuse: (() -> Void)?

    mutating func send(_ packets: Span<PacketBuffer>) -> Int {
      guard let refuse else { return packets.count }
      refuse()
      return 0
    }
  }

  @Test func `room that comes before a refused write has returned is for what that holds back`() throws {
    var packet = InternetPacket()
    packet.payload = [1, 2, 3]
    let batch = SegmenterTests.batch(packet.frame, packet.offload(segmentByteCount: 0, linkHeaderLength: 0))
    for _ in 0..<50 {
      let offload = SoftwareOffload(.none)
      let refused = Latch()
      let thread = try SystemThread(name: "test") {
        refused.wait()
        var link = Link()
        #expect(offload.flush(by: &link))
      }
      var link = Link {
        refused.open()
        // The other thread is to come before the end of the write, and may.
        for _ in 0..<100 { yieldThread() }
      }
      let taken = batch.withPackets { offload.write($0, by: &link) }
      thread.join()
      #expect(taken == 1 && !offload.holdsPackets)
    }
  }
}
