import Eventfd
import LinkCore
import LinkQueue
import LinkSystem
import Synchronization

/// The receiving half of an endpoint, whatever its role: what the worker loop drives. Called inside turns only.
protocol Receiver: AnyObject, Sendable {
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn
  /// Arms the bell and looks once more. Fills in what to wait for and, where a timer has to look again, how long in
  /// nanoseconds at most. False: something arrived.
  func prepareToWait(_ entries: inout InlineArray<4, PollEntry>, _ recheck: inout UInt64?) -> Bool
  func waitEnded(_ entries: InlineArray<4, PollEntry>?)
  /// The peer is gone, though packets of it may be left. From any thread.
  var isPeerGone: Bool { get }
  func release()
  var tally: PublishedTally { get }
}

final class QueueReceiver<Queue: ReceivingQueue & ~Copyable>: Receiver {
  // The runner's turn lock already keeps turns apart; this one costs little and makes it the compiler's business.
  private let state: Lock<ReceiverState<Queue>?>
  private let goneFlag = Atomic<Bool>(false)
  let tally = PublishedTally()

  init(_ state: consuming sending ReceiverState<Queue>) { self.state = Lock(state) }

  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    state.withLock { $0 == nil ? .idle : $0!.turn(dispatcher, tally) }
  }

  func prepareToWait(_ entries: inout InlineArray<4, PollEntry>, _ recheck: inout UInt64?) -> Bool {
    state.withLock { $0 == nil ? false : $0!.prepareToWait(&entries, &recheck, tally) }
  }

  func waitEnded(_ entries: InlineArray<4, PollEntry>?) {
    let isGone = state.withLock { $0 == nil ? false : $0!.waitEnded(entries) }
    if isGone { goneFlag.store(true, ordering: .relaxed) }
  }

  var isPeerGone: Bool { goneFlag.load(ordering: .relaxed) }

  func release() { state.withLock { $0 = nil } }
}

/// A receiving queue with everything that its turns need.
struct ReceiverState<Queue: ReceivingQueue & ~Copyable>: ~Copyable, Sendable {
  // The queue uses the memory.
  var queue: Queue
  let memory: MappedQueue
  let word: NotificationWord<SharedRegion>
  var batch: PacketBatch
  let peer: PeerDescriptor?
  let framing: LinkFraming
  /// Asks an empty pool to end the driver's wait; false if it is not empty.
  let askPool: @Sendable (PacketPool) -> Bool
  /// The peer is gone; what it had queued is still delivered, at most this many batches.
  private var batchesLeft: Int?
  /// The pool was empty in the last turn.
  private var isStarved = false

  init(
    _ queue: consuming Queue, _ memory: consuming MappedQueue, _ peer: consuming PeerDescriptor?,
    batch: consuming PacketBatch, framing: LinkFraming, askPool: @escaping @Sendable (PacketPool) -> Bool
  ) {
    word = memory.notificationWord
    self.queue = queue
    self.memory = memory
    self.batch = batch
    self.peer = peer
    self.framing = framing
    self.askPool = askPool
  }

  mutating func turn(_ dispatcher: any LinkDispatcher, _ published: PublishedTally) -> LinkTurn {
    let available = batch.prepareToReceive()
    if available == 0 {
      // With nothing left to deliver, the end does not wait for packets that may be kept until it comes.
      if batchesLeft != nil, queue.isEmpty { return .ended(.peerDisconnected) }
      isStarved = true
      queue.tally[.starvation] += 1
      published.publish(&queue.tally)
      return .starved
    }
    let count = queue.receive(into: &batch, available: available, framing)
    published.publish(&queue.tally)
    if count > 0 { dispatcher.deliverPackets(&batch) }
    if queue.isCorrupt { return .ended(.failed(SharedMemEndpoint.brokenPipe)) }
    if let left = batchesLeft {
      // A dead peer adds nothing; one that only closed its socket could go on for ever.
      if count == 0 || left == 0 { return .ended(.peerDisconnected) }
      batchesLeft = left - 1
    }
    return count > 0 ? .delivered : .idle
  }

  mutating func prepareToWait(
    _ entries: inout InlineArray<4, PollEntry>, _ recheck: inout UInt64?, _ published: PublishedTally
  ) -> Bool {
    let isPeerGone = batchesLeft != nil
    if isStarved {
      isStarved = false
      // Not for packets: they would end the wait at once, and there is nowhere to put them.
      guard askPool(batch.pool) else { return false }
    } else if isPeerGone {
      // Its last packets do not wait for a bell.
      return false
    } else {
      word.enable()
      guard queue.isEmpty else {
        word.disable()
        return false
      }
      entries[0] = PollEntry(memory.event.descriptor, .input)
      if queue.isBlocked { recheck = min(recheck ?? .max, RoomRequest.longestInterval) }
    }
    switch peer {
    case nil: break
    // A peer that is gone would end the wait at once.
    case .some(let peer): if !isPeerGone { entries[1] = PollEntry(peer.number, PeerDescriptor.events) }
    }
    queue.tally[.sleep] += 1
    published.publish(&queue.tally)
    return true
  }

  /// Returns whether the peer is gone.
  mutating func waitEnded(_ entries: InlineArray<4, PollEntry>?) -> Bool {
    word.disable()
    if entries == nil || !entries![0].reported.isEmpty {
      // Taken whatever the flags of the open file say. If it is no eventfd any more the peer did that, and is done for.
      do { _ = try memory.event.read() } catch { batchesLeft = 0 }
      if queue.isEmpty { queue.tally[.emptyWakeUp] += 1 }
    }
    switch peer {
    case .some(let peer) where entries == nil || !entries![1].reported.isEmpty:
      switch peer.listen() {
      case .nothing: break
      case .stray(let messages): queue.tally[.strayInput] += UInt64(messages)
      case .gone: batchesLeft = batchesLeft ?? 1 << 16
      }
    default: break
    }
    return batchesLeft != nil
  }
}
