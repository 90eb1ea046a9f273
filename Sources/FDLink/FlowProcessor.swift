import Eventfd
import LinkCore
import LinkSystem
import Synchronization

/// A worker that delivers what a descriptor's worker has read, of the flows that are its own. The packets wait in a bounded
/// queue, while nobody is attached too.
///
/// Locks: `delivering` (uncontended: only turns take it), then `inbox`. No callback runs and no packet goes home under the
/// latter.
final class FlowProcessor: GroupMember {
  private struct Inbox: ~Copyable {
    var queue: PacketQueue
    /// The worker is about to sleep, or sleeps, for the want of packets.
    var isAsleep = false
    /// Packets have left the queue, and the dispatcher has not returned.
    var isDelivering = false
    /// The descriptor's worker waits until everything is delivered.
    var isDrainAwaited = false
    /// The link is closed.
    var isOver = false

    var isDrained: Bool { queue.isEmpty && !isDelivering }
  }

  private struct Delivery: ~Copyable {
    /// Owns chunks during a delivery only: idle ones would be missing where packets are received.
    var batch: PacketBatch
    var coalescer: Coalescer?
    var tally = LinkTally()
  }

  let runner: LinkRunner
  /// Of the descriptor whose packets these are.
  private let feeder: LinkRunner
  private let framing: LinkFraming
  private let inbox: Lock<Inbox>
  private let delivering: Lock<Delivery>
  private let delivered = PublishedTally()
  private let dropped = Atomic<UInt64>(0)

  init(
    name: String, feeder: LinkRunner, _ framing: LinkFraming, pool: PacketPool, _ options: LinkOptions,
    _ fdOptions: FDOptions
  ) throws(LinkError) {
    runner = try LinkRunner(name: name, options: options)
    self.feeder = feeder
    self.framing = framing
    var batch = PacketBatch(capacity: options.batchCapacity, pool: pool)
    batch.giveBack()
    inbox = Lock(Inbox(queue: PacketQueue(capacity: fdOptions.processorQueueCapacity)))
    delivering = Lock(Delivery(batch: batch, coalescer: fdOptions.coalescer))
  }

  var waitingCount: Int { inbox.withLock { $0.queue.count } }

  /// What was delivered, and what was dropped in place of that.
  var received: LinkTally {
    var tally = delivered.snapshot
    tally[.noRoom] = dropped.load(ordering: .relaxed)
    return tally
  }

  // MARK: For the descriptor's worker

  /// Takes those packets of the batch that are its own, and leaves those that there is no room for.
  func take(from packets: inout PacketBatch, where isOwn: (Int) -> Bool) {
    let (lost, wakes) = inbox.withLock { inbox in
      var lost = 0
      for index in 0..<packets.count where isOwn(index) {
        if inbox.isOver || inbox.queue.isFull { lost += 1 } else { inbox.queue.append(packets.take(index)) }
      }
      defer { inbox.isAsleep = false }
      return (lost, inbox.isAsleep)
    }
    if lost > 0 { dropped.wrappingAdd(UInt64(lost), ordering: .relaxed) }
    if wakes { runner.ringBell() }
  }

  /// Whether it has delivered all that it took. If not, it rings the bell of the descriptor's worker when it has.
  func isDrained() -> Bool {
    inbox.withLock { inbox in
      inbox.isDrainAwaited = true
      return inbox.isDrained
    }
  }

  // MARK: Turns

  /// Only the descriptor knows of room.
  func announceRoom(_ dispatcher: any LinkDispatcher) {}

  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    // Who looks in vain does not go through the gate, where others deliver.
    waitingCount == 0 ? .idle : SharedDispatcher.pass(dispatcher, deliver)
  }

  private func deliver(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    delivering.withLock { delivery in
      inbox.withLock { inbox in
        delivery.batch.fill(from: &inbox.queue)
        inbox.isDelivering = true
      }
      delivery.tally.packets &+= UInt64(delivery.batch.count)
      for index in 0..<delivery.batch.count {
        delivery.tally.bytes &+= UInt64(delivery.batch.withPacket(index) { $0.frameByteCount })
      }
      delivery.tally.batches &+= 1
      delivery.coalescer?.coalesce(&delivery.batch, of: framing, counting: &delivery.tally)
      delivered.publish(&delivery.tally)
      dispatcher.deliverPackets(&delivery.batch)
      delivery.batch.giveBack()
    }
    let isEnd = inbox.withLock { inbox in
      inbox.isDelivering = false
      return inbox.isDrainAwaited && inbox.isDrained
    }
    if isEnd { feeder.ringBell() }
    return .delivered
  }

  func prepareToWait() -> WaitDecision {
    let mayWait = inbox.withLock { inbox in
      inbox.isAsleep = inbox.queue.isEmpty
      return inbox.isAsleep
    }
    if !mayWait { return .somethingArrived }
    delivering.withLock { delivery in
      delivery.tally[.sleep] += 1
      delivered.publish(&delivery.tally)
    }
    return .waitForBell
  }

  func waitEnded(_ entries: InlineArray<4, PollEntry>?) {}

  func releaseResources() {
    inbox.withLock { $0.isOver = true }
    delivering.withLock { delivery in
      while waitingCount > 0 {
        inbox.withLock { delivery.batch.fill(from: &$0.queue) }
        dropped.wrappingAdd(UInt64(delivery.batch.count), ordering: .relaxed)
        delivery.batch.giveBack()
      }
    }
  }
}
