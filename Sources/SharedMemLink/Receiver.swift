import Eventfd
import LinkCore
import LinkQueue
import LinkSystem
import Synchronization

/// The receiving half of an endpoint, whatever its role: what the worker loop drives. In turns, unless it says else.
protocol Receiver: AnyObject, Sendable {
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn
  /// As `RunnableLink.mayHavePackets`, between turns.
  var mayHavePackets: Bool { get }
  /// Arms the bell and looks once more. Fills in what to wait for and, where a timer has to look again, how long in
  /// nanoseconds at most. False: something arrived.
  func prepareToWait(_ entries: inout InlineArray<4, PollEntry>, _ recheck: inout UInt64?) -> Bool
  func waitEnded(_ entries: InlineArray<4, PollEntry>?)
  /// No turn follows for a long time.
  func attachmentEnded()
  /// Whether the peer promises to announce room to the sender beside this receiver.
  var isRoomPromised: Bool { get }
  /// What the peer said of room since the last call.
  func takeRoomNews() -> RoomDesk.News
  /// The peer is gone, though packets of it may be left. From any thread.
  var isPeerGone: Bool { get }
  func release()
  var tally: PublishedTally { get }
  /// For people. Nil: busy, or released.
  var glance: SharedMemEndpoint.State.Receiving? { get }
}

/// As `QueueSender`: what runs once a turn or a wait is compiled for each queue.
final class QueueReceiver<Queue: ReceivingQueue & ~Copyable>: Receiver {
  // The runner's turn lock already keeps turns apart; this one costs little and makes it the compiler's business.
  private let state: Lock<ReceiverState<Queue>?>
  private let goneFlag = Atomic<Bool>(false)
  let tally = PublishedTally()

  init(_ state: consuming sending ReceiverState<Queue>) { self.state = Lock(state) }

  @specialized(where Queue == ReceiveQueue)
  @specialized(where Queue == ServerReceiveQueue)
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    state.withLock { $0 == nil ? .idle : $0!.turn(dispatcher, tally) }
  }

  var mayHavePackets: Bool {
    @specialized(where Queue == ReceiveQueue)
    @specialized(where Queue == ServerReceiveQueue)
    get { state.withLock { $0 == nil ? true : !$0!.queue.isEmpty } }
  }

  @specialized(where Queue == ReceiveQueue)
  @specialized(where Queue == ServerReceiveQueue)
  func prepareToWait(_ entries: inout InlineArray<4, PollEntry>, _ recheck: inout UInt64?) -> Bool {
    state.withLock { $0 == nil ? false : $0!.prepareToWait(&entries, &recheck, tally) }
  }

  @specialized(where Queue == ReceiveQueue)
  @specialized(where Queue == ServerReceiveQueue)
  func waitEnded(_ entries: InlineArray<4, PollEntry>?) {
    let isGone = state.withLock { $0 == nil ? false : $0!.waitEnded(entries) }
    if isGone { goneFlag.store(true, ordering: .relaxed) }
  }

  func attachmentEnded() { state.withLock { $0?.announceRoomAtLast(tally, isAttended: true) } }
  var isRoomPromised: Bool {
    @specialized(where Queue == ReceiveQueue)
    @specialized(where Queue == ServerReceiveQueue)
    get { state.withLock { $0 == nil ? true : $0!.desk.isPromised } }
  }
  @specialized(where Queue == ReceiveQueue)
  @specialized(where Queue == ServerReceiveQueue)
  func takeRoomNews() -> RoomDesk.News { state.withLock { $0 == nil ? .nothing : $0!.desk.takeNews() } }

  var glance: SharedMemEndpoint.State.Receiving? {
    state.withLockIfAvailable { state -> SharedMemEndpoint.State.Receiving? in
      if state == nil { return nil }
      return .init(
        postedBuffers: state!.queue.postedBuffers, hasInput: !state!.queue.isEmpty, isBlocked: state!.queue.isBlocked)
    } ?? nil
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
  var desk: RoomDesk
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
    _ queue: consuming Queue, _ memory: consuming MappedQueue, _ desk: RoomDesk, _ peer: consuming PeerDescriptor?,
    batch: consuming PacketBatch, framing: LinkFraming, askPool: @escaping @Sendable (PacketPool) -> Bool
  ) {
    word = NotificationWord(memory.sharedData)
    self.desk = desk
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
      if desk.answersWish(isIdle: true) { queue.tally[.roomAnnouncement] += 1 }
      queue.tally[.starvation] += 1
      published.publish(&queue.tally)
      return .starved
    }
    let count = queue.receive(into: &batch, available: available, framing)
    if desk.answersWish(isIdle: count == 0) { queue.tally[.roomAnnouncement] += 1 }
    published.publish(&queue.tally)
    if count > 0 { dispatcher.deliverPackets(&batch) }
    if let failure = memory.failure(isCorrupt: queue.isCorrupt) { return .ended(.failed(failure)) }
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
      // The word stays as it is, so nobody rings for packets: there is nowhere to put them.
      guard askPool(batch.pool) else { return false }
    } else if isPeerGone {
      // Its last packets do not wait for a bell.
      return false
    } else {
      word.enable()
      guard queue.isEmpty, !memory.wasResized else {
        word.disable()
        return false
      }
      if queue.isBlocked { recheck = min(recheck ?? .max, RoomRequest.longestInterval) }
    }
    queue.tally[.sleep] += 1
    announceRoomAtLast(published, isAttended: false)
    // A peer that is gone would end the wait at once.
    if isPeerGone { return true }
    entries[0] = PollEntry(memory.bell.descriptor, .input)
    switch peer {
    case nil: break
    case .some(let peer): entries[1] = PollEntry(peer.number, PeerDescriptor.events)
    }
    return true
  }

  /// Answers any wish for room: the next look at it may be far off. `isAttended`: as `Bell.ringAttended`.
  mutating func announceRoomAtLast(_ published: PublishedTally, isAttended: Bool) {
    if desk.answersWishAtLast(isAttended: isAttended) { queue.tally[.roomAnnouncement] += 1 }
    published.publish(&queue.tally)
  }

  /// Returns whether the peer is gone.
  mutating func waitEnded(_ entries: InlineArray<4, PollEntry>?) -> Bool {
    word.disable()
    if entries == nil || !entries![0].reported.isEmpty {
      // Taken whatever the flags of the open file say. If it is no eventfd any more the peer did that, and is done for.
      switch memory.bell.take() {
      case nil: batchesLeft = 0
      case true?: if queue.isEmpty, !desk.wasRung() { queue.tally[.emptyWakeUp] += 1 }
      case false?: break
      }
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
