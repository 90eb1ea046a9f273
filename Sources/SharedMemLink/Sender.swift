import Eventfd
import LinkCore
import LinkQueue
import LinkSystem
import Synchronization

/// The sending half of an endpoint, whatever its role. Any thread may call it.
protocol Sender: AnyObject, Sendable {
  /// Sends a prefix, and keeps `room` up to date. `isRingDue`: the bell is to be rung anyway. Nil: released.
  func send(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest, isRingDue: Bool
  ) -> SendResult?
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

struct SendResult {
  let count: Int
  /// The peer broke something.
  let isBroken: Bool
  /// Room is wanted now, and the driver has to be woken for it.
  let wakesDriver: Bool
  /// To be rung, since the peer wants it. Under no lock: the peer may hold up whoever rings.
  let bell: Bell?
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
  func send(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest, isRingDue: Bool
  ) -> SendResult? {
    state.withLock { $0 == nil ? nil : $0!.send(frames, limits, room, tally, isRingDue: isRingDue) }
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
  let word: NotificationWord<SharedRegion>
  var wish: RoomWish<SharedRegion>

  init(_ queue: consuming Queue, _ memory: consuming MappedQueue) {
    word = NotificationWord(memory.sharedData)
    wish = RoomWish(memory.sharedData)
    self.queue = queue
    self.memory = memory
  }

  var bell: Bell { memory.bell }

  mutating func send(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest, _ published: PublishedTally,
    isRingDue: Bool
  ) -> SendResult {
    var count = queue.send(frames, limits)
    var wakesDriver = false
    if count < frames.count {
      if !queue.isCorrupt, !memory.wasResized { wakesDriver = refuse(frames, from: &count, limits, room) }
    }
    let rings = count > 0 && !isRingDue && word.isWanted()
    if rings { queue.tally[.notification] += 1 }
    published.publish(&queue.tally)
    let isBroken = queue.isCorrupt || memory.wasResized
    return SendResult(
      count: count, isBroken: isBroken, wakesDriver: wakesDriver, bell: rings ? memory.bell : nil)
  }

  // Mutating, since the compiler can only change what it finds in an optional.
  mutating func failure() -> LinkError? { memory.failure(isCorrupt: queue.isCorrupt) }

  /// Leaves a wish for room, then tries once more. Returns whether the driver has to be woken.
  @inline(never) private mutating func refuse(
    _ frames: Span<PacketBuffer>, from count: inout Int, _ limits: SendLimits, _ room: RoomRequest
  ) -> Bool {
    guard room.make() else {
      queue.tally[.refusedWrite] += 1
      return false
    }
    wish.make()
    count += queue.send(frames.extracting(droppingFirst: count), limits)
    if count == frames.count {
      // Nobody else has one.
      wish.withdraw()
      room.end()
      return false
    }
    queue.tally[.refusedWrite] += 1
    return !wish.isHeard && room.isDriverAsleep
  }

  mutating func looksForRoom(_ isAnnounced: Bool, _ published: PublishedTally) -> Bool {
    queue.tally[isAnnounced ? .roomAnnouncement : .roomCheck] += 1
    var hasRoom = queue.hasRoom()
    if !hasRoom, isAnnounced {
      // Not enough, or taken already: an answer is good for one wish.
      wish.make()
      hasRoom = queue.hasRoom()
    }
    published.publish(&queue.tally)
    return hasRoom
  }
}
