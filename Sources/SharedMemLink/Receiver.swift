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
  /// Returns whether the peer is gone. Packets of it may be left.
  func waitEnded(_ entries: InlineArray<4, PollEntry>?) -> Bool
  /// No turn follows for a long time.
  func attachmentEnded()
  /// Whether the peer promises to announce room to the sender beside this receiver.
  var isRoomPromised: Bool { get }
  /// What the peer said of room since the last call.
  func takeRoomNews() -> RoomDesk.News
  func release()
  var tally: PublishedTally { get }
  /// For people. Nil: busy, or released.
  var glance: SharedMemEndpoint.State.Receiving? { get }
}

/// As `QueueSender`: what runs once a turn or a wait is compiled for each queue.
final class QueueReceiver<Queue: ReceivingQueue & ~Copyable>: Receiver {
  // The runner's turn lock keeps turns apart, but not from a look between them, or whoever asks for the state.
  private let state: Lock<ReceiverState<Queue>?>
  let tally = PublishedTally()

  init(_ state: consuming sending ReceiverState<Queue>) { self.state = Lock(state) }

  @specialized(where Queue == ReceiveQueue)
  @specialized(where Queue == ServerReceiveQueue)
  func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn {
    state.withLock { $0?.turn(dispatcher, tally) ?? .idle }
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
  func waitEnded(_ entries: InlineArray<4, PollEntry>?) -> Bool {
    state.withLock { $0 == nil ? false : $0!.waitEnded(entries, tally) }
  }

  func attachmentEnded() {
    state.withLock {
      $0?.slip.pause()
      $0?.announceRoomAtLast(tally, isAttended: true)
    }
  }
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
  var slip = TemporalSlip()

  init(
    _ queue: consuming Queue, _ memory: consuming MappedQueue, _ desk: RoomDesk, _ peer: consuming PeerDescriptor?,
    batch: consuming PacketBatch, framing: LinkFraming,
    askPool: @escaping @Sendable (PacketPool) -> Bool
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
    if available == 0 { return starve(published) }
    let waits = slip.isDue && mayWait(available)
    if waits { TemporalSlip.wait() }
    let read = queue.read(into: &batch, available: available, framing, published)
    slip.found(read.count, hasWaited: waits)
    if desk.answersWish(isIdle: read.count == 0) { count(.roomAnnouncement, published) }
    if read.count > 0 { dispatcher.deliverPackets(&batch) }
    if read.isCorrupt || memory.isGuarded, let failure = memory.failure(isCorrupt: read.isCorrupt) {
      return .ended(.failed(failure))
    }
    if let left = batchesLeft {
      // A dead peer adds nothing; one that only closed its socket could go on for ever.
      if read.count == 0 || left == 0 { return .ended(.peerDisconnected) }
      batchesLeft = left - 1
    }
    return read.count > 0 ? .delivered : .idle
  }

  /// Whether a wait could bring more packets together, now that one is due.
  @inline(never) private mutating func mayWait(_ available: Int) -> Bool {
    guard available >= TemporalSlip.worthwhile, batchesLeft == nil,
      1..<TemporalSlip.worthwhile ~= queue.messageCount(atMost: TemporalSlip.worthwhile)
    else { return false }
    queue.tally[.temporalSlip] += 1
    return true
  }

  /// A turn without anything to receive into.
  @inline(never) private mutating func starve(_ published: PublishedTally) -> LinkTurn {
    // With nothing left to deliver, the end does not wait for packets that may be kept until it comes.
    if batchesLeft != nil, queue.isEmpty { return .ended(.peerDisconnected) }
    isStarved = true
    slip.pause()
    if desk.answersWish(isIdle: true) { count(.roomAnnouncement, published) }
    count(.starvation, published)
    return .starved
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
    count(.sleep, published)
    slip.pause()
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
    if desk.answersWishAtLast(isAttended: isAttended) { count(.roomAnnouncement, published) }
  }

  /// Returns whether the peer is gone.
  mutating func waitEnded(_ entries: InlineArray<4, PollEntry>?, _ published: PublishedTally) -> Bool {
    word.disable()
    if entries == nil || !entries![0].reported.isEmpty {
      // Taken whatever the flags of the open file say. If it is no eventfd any more the peer did that, and is done for.
      switch memory.bell.take() {
      case nil: batchesLeft = 0
      case true?: if queue.isEmpty, !desk.wasRung() { count(.emptyWakeUp, published) }
      case false?: break
      }
    }
    var said = PeerDescriptor.Word.nothing
    switch peer {
    case .some(let peer) where entries == nil || !entries![1].reported.isEmpty: said = peer.listen()
    default: break
    }
    switch said {
    case .nothing: break
    case .stray(let messages): count(.strayInput, published, times: messages)
    case .gone: batchesLeft = batchesLeft ?? 1 << 16
    }
    return batchesLeft != nil
  }

  private mutating func count(_ event: LinkEvent, _ published: PublishedTally, times: Int = 1) {
    queue.tally[event] += UInt64(times)
    published.publish(&queue.tally)
  }
}
