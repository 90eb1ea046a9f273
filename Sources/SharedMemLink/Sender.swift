import Eventfd
import LinkCore
import LinkQueue
import LinkSystem
import Synchronization

/// The sending half of an endpoint, whatever its role. Any thread may call it.
protocol Sender: AnyObject, Sendable {
  /// Sends a prefix, and asks for room if that is not all.
  func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> SendResult
  /// Rings the peer. Under no lock of others: the peer may hold up whoever rings.
  func ring()
  /// Whether the packet that did not fit last would fit now. `isAnnounced`: the peer said so, otherwise it is the timer
  /// that asks.
  func looksForRoom(isAnnounced: Bool) -> Bool
  /// Whether the peer has taken everything; after `release`, whether it had by then.
  func isDrained() -> Bool
  /// What the peer broke: neither room nor the end of what was sent will come.
  var failure: LinkError? { get }
  /// Gets threads out of a `send` that the peer holds up. `forGood`: those to come as well.
  func freeHeldUpThreads(forGood: Bool)
  /// Gives the queue's memory and descriptor back.
  func release()
  var tally: PublishedTally { get }
  /// For people. Nil: busy, or released.
  var glance: SharedMemEndpoint.State.Sending? { get }
}

/// What a send came to: as words, which a call hands over in registers.
struct SendResult {
  /// What is left to do or to say. Nothing, usually.
  struct Sequel: OptionSet {
    let rawValue: UInt8
    /// `ring()` is due.
    static let ring = Sequel(rawValue: 1 << 0)
    /// The peer broke something.
    static let broken = Sequel(rawValue: 1 << 1)
    /// Room is wanted now, and the driver has to be woken for it.
    static let wakesDriver = Sequel(rawValue: 1 << 2)
    /// The queue is gone.
    static let released = Sequel(rawValue: 1 << 3)
  }
  var count = 0
  var sequel: Sequel
}

/// What runs once a batch is compiled for each queue: through the protocol it would be called as generic code, which asks the
/// runtime for types, and calls everything of the queue's that could be inlined.
final class QueueSender<Queue: SendingQueue & ~Copyable>: Sender {
  private let state: Lock<SenderState<Queue>?>
  private let hadDrained = Atomic<Bool>(true)
  let tally = PublishedTally()

  init(_ state: consuming sending SenderState<Queue>) { self.state = Lock(state) }

  @specialized(where Queue == TransmitQueue)
  @specialized(where Queue == ServerTransmitQueue)
  func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> SendResult {
    state.withLock { $0?.send(frames, limits, tally) ?? SendResult(sequel: .released) }
  }

  @specialized(where Queue == TransmitQueue)
  @specialized(where Queue == ServerTransmitQueue)
  func ring() {
    let bell = state.withLock { $0?.bellToRing(tally) }
    bell?.ring()
  }

  @specialized(where Queue == TransmitQueue)
  @specialized(where Queue == ServerTransmitQueue)
  func looksForRoom(isAnnounced: Bool) -> Bool {
    state.withLock { $0 == nil ? false : $0!.looksForRoom(isAnnounced, tally) }
  }

  func isDrained() -> Bool {
    state.withLock { $0 == nil ? hadDrained.load(ordering: .relaxed) : $0!.queue.isDrained() }
  }

  var failure: LinkError? { state.withLock { $0 == nil ? nil : $0!.failure() } }

  var glance: SharedMemEndpoint.State.Sending? {
    state.withLockIfAvailable { state -> SharedMemEndpoint.State.Sending? in
      if state == nil { return nil }
      return .init(packetsUnderWay: state!.queue.packetsUnderWay, freeBuffers: state!.queue.freeBuffers)
    } ?? nil
  }

  func freeHeldUpThreads(forGood: Bool) {
    let bell = state.withLock { $0?.bell }
    bell?.free(forGood: forGood)
  }

  func release() {
    // Whoever closed the link may come too late to find the bell.
    freeHeldUpThreads(forGood: true)
    state.withLock { state in
      // The last look: a peer that took everything and left at once is no peer that lost something.
      if state != nil { hadDrained.store(state!.queue.isDrained(), ordering: .relaxed) }
      state = nil
    }
  }
}

/// A sending queue with everything that a send needs.
struct SenderState<Queue: SendingQueue & ~Copyable>: ~Copyable, Sendable {
  // The queue uses the memory.
  var queue: Queue
  let memory: MappedQueue
  var wish: RoomWish<SharedRegion>
  let room: RoomRequest

  init(_ queue: consuming Queue, _ memory: consuming MappedQueue, _ room: RoomRequest) {
    wish = RoomWish(memory.sharedData)
    self.queue = queue
    self.memory = memory
    self.room = room
  }

  var bell: Bell { memory.bell }

  mutating func send(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ published: PublishedTally
  ) -> SendResult {
    let write = queue.write(frames, limits, published)
    if write.count < frames.count || write.isCorrupt || memory.isGuarded {
      return conclude(write, frames, limits, published)
    }
    return SendResult(count: write.count, sequel: write.isRingDue ? .ring : [])
  }

  /// What may follow a write. Without room it leaves a wish, then tries once more.
  @inline(never) private mutating func conclude(
    _ first: QueueWrite, _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ published: PublishedTally
  ) -> SendResult {
    var write = first
    var sequel: SendResult.Sequel = []
    if write.count < frames.count, !write.isCorrupt, !memory.wasResized {
      let isFirst = room.make()
      if isFirst {
        wish.make()
        let rest = frames.extracting(droppingFirst: first.count)
        write = queue.write(rest, limits, published)
        write.count += first.count
        write.isRingDue = write.isRingDue || first.isRingDue
      }
      if write.count < frames.count {
        count(.refusedWrite, published)
        if isFirst, !wish.isHeard, room.isDriverAsleep { sequel.insert(.wakesDriver) }
      } else {
        // Nobody else has one.
        wish.withdraw()
        room.end()
      }
    }
    if write.isRingDue { sequel.insert(.ring) }
    if write.isCorrupt || memory.wasResized { sequel.insert(.broken) }
    return SendResult(count: write.count, sequel: sequel)
  }

  // Mutating, since the compiler can only change what it finds in an optional.
  mutating func failure() -> LinkError? { memory.failure(isCorrupt: queue.isCorrupt) }

  mutating func bellToRing(_ published: PublishedTally) -> Bell {
    count(.notification, published)
    return memory.bell
  }

  private mutating func count(_ event: LinkEvent, _ published: PublishedTally) {
    queue.tally[event] += 1
    published.publish(&queue.tally)
  }

  mutating func looksForRoom(_ isAnnounced: Bool, _ published: PublishedTally) -> Bool {
    var hasRoom = queue.hasRoom()
    if !hasRoom, isAnnounced {
      // Not enough, or taken already: an answer is good for one wish.
      wish.make()
      hasRoom = queue.hasRoom()
    }
    count(isAnnounced ? .roomAnnouncement : .roomCheck, published)
    return hasRoom
  }
}
