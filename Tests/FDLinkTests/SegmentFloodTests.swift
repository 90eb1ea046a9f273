import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// A stranger's packets that make as many segments as packets can, on their way to a device, which is never full.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct SegmentFloodTests {
  private struct Outcome: Sendable {
    var writes = 0
    var longest: UInt64 = 0
    var closing: UInt64 = 0
    var sent = LinkTally()
  }

  @Test func `a batch of them takes many short writes, and a close comes in between`() throws {
    let outcome = try TestNetwork.inNamespace {
      var options = LinkOptions()
      options.segmentation = SegmentationSupport(kind: .software, maxByteCount: 65536)
      let link = try FDEndpoint.tun(name: "flood", options: options)
      defer { link.close() }
      try NetworkDevice.setUp("flood")
      let collector = try Collector()
      try link.attach(collector)
      var large = OffloadSample(0, payload: 65_280)
      large.size = 64
      let batch = try OffloadSample.batch(Array(repeating: large, count: 64), for: link)
      var outcome = Outcome()
      var taken = 0
      while taken < batch.count {
        let seen = collector.now.roomCalls
        let began = monotonicNanoseconds()
        taken += try link.writeBatch(batch, from: taken)
        outcome.longest = max(outcome.longest, monotonicNanoseconds() - began)
        outcome.writes += 1
        if taken < batch.count { try collector.need { $0.roomCalls > seen } }
      }
      outcome.sent = link.statistics.sent
      let entered = Latch()
      let writer = try SystemThread(name: "writer") {
        entered.open()
        do { while true { try link.writeBatch(batch) } } catch {}
      }
      entered.wait()
      let began = monotonicNanoseconds()
      link.close()
      try link.wait()
      outcome.closing = monotonicNanoseconds() - began
      writer.join()
      return outcome
    }
    #expect(outcome.writes == 64)
    #expect(outcome.sent.packets == 64 * 1020 && outcome.sent.dropped == 0)
    print("longest write \(outcome.longest / 1000) us, close \(outcome.closing / 1000) us")
  }
}
