import LinkCore
import LinkSystem
import Synchronization

/// A link with a thread of its own, whose packets this thread waits for.
struct ThreadedLink {
  private final class Counter: LinkDispatcher {
    let packets = Atomic(0)
    // Only the link's thread writes.
    func deliverPackets(_ batch: inout PacketBatch) {
      packets.store(packets.load(ordering: .relaxed) + batch.count, ordering: .releasing)
    }
  }

  private let link: any LinkEndpoint
  private let counter = Counter()
  private static let patience: UInt64 = 10_000_000_000

  init(_ link: any LinkEndpoint) throws {
    self.link = link
    try link.attach(counter)
  }

  func makeBatch(_ count: Int, byteCount: Int) throws -> PacketBatch {
    try LinkUnderTest.makeBatch(count, byteCount: byteCount, for: link)
  }

  /// All of the batch, however often there is no room.
  func send(_ count: Int, _ batch: borrowing PacketBatch) throws {
    let end = monotonicNanoseconds() + Self.patience
    var sent = 0
    while sent < count {
      do throws(LinkError) { sent += try link.writeBatch(batch, from: sent) } catch {
        guard error.code == .wouldBlock, monotonicNanoseconds() < end else { throw error }
        yieldThread()
      }
    }
  }

  /// Until as many packets as that came since before `body`.
  func receiving(_ count: Int, _ body: () throws -> Void) throws {
    let goal = counter.packets.load(ordering: .acquiring) + count
    try body()
    let end = monotonicNanoseconds() + Self.patience
    while counter.packets.load(ordering: .acquiring) < goal {
      if monotonicNanoseconds() > end { throw BenchFailure("packets got lost") }
      yieldThread()
    }
  }

  func close() {
    link.close()
    try? link.wait()
  }
}
