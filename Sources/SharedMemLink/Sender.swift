import Eventfd
import LinkCore
import LinkQueue
import LinkSystem
import Synchronization

/// The sending half of an endpoint, whatever its role. Any thread may call it.
protocol Sender: AnyObject, Sendable {
  /// Sends a prefix and rings once if the peer wants it, and keeps `room` up to date. Nil: released.
  func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest) -> SendResult?
  /// Whether the packet that did not fit last would fit now.
  func hasRoom() -> Bool
  /// Whether the peer has taken everything; after `release`, whether it had by then.
  func isDrained() -> Bool
  /// The peer broke one of the pipes: neither room nor the end of what was sent will come.
  var isCorrupt: Bool { get }
  /// Gives the queue's memory and descriptor back.
  func release()
  var tally: PublishedTally { get }
}

struct SendResult {
  let count: Int
  let isCorrupt: Bool
  /// Room is wanted now, and the driver has to be woken for it.
  let wakesDriver: Bool
}

final class QueueSender<Queue: SendingQueue & ~Copyable>: Sender {
  private let state: Lock<SenderState<Queue>?>
  private let hadDrained = Atomic<Bool>(true)
  let tally = PublishedTally()

  init(_ state: consuming sending SenderState<Queue>) { self.state = Lock(state) }

  func send(_ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest) -> SendResult? {
    state.withLock { $0 == nil ? nil : $0!.send(frames, limits, room, tally) }
  }

  func hasRoom() -> Bool { state.withLock { $0 == nil ? false : $0!.hasRoom(tally) } }

  func isDrained() -> Bool {
    state.withLock { $0 == nil ? hadDrained.load(ordering: .relaxed) : $0!.queue.isDrained() }
  }

  var isCorrupt: Bool { state.withLock { $0 == nil ? false : $0!.queue.isCorrupt } }

  func release() {
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

  init(_ queue: consuming Queue, _ memory: consuming MappedQueue) {
    word = memory.notificationWord
    self.queue = queue
    self.memory = memory
  }

  mutating func send(
    _ frames: Span<PacketBuffer>, _ limits: SendLimits, _ room: RoomRequest, _ published: PublishedTally
  ) -> SendResult {
    let count = queue.send(frames, limits)
    if count > 0, word.isWanted() {
      // A full counter is a bell that rings already, and the peer can make it so. Whatever else the kernel may say of an
      // eventfd means as much: the peer is not woken.
      _ = EventCounter.add(1, to: memory.event.descriptor)
      queue.tally[.notification] += 1
    }
    published.publish(&queue.tally)
    // Under the lock: a write that took everything must not withdraw the wish of a later one on another thread.
    var wakesDriver = false
    if count == frames.count { room.withdraw() } else if !queue.isCorrupt { wakesDriver = room.make() }
    return SendResult(count: count, isCorrupt: queue.isCorrupt, wakesDriver: wakesDriver)
  }

  mutating func hasRoom(_ published: PublishedTally) -> Bool {
    queue.tally[.roomCheck] += 1
    let hasRoom = queue.hasRoom()
    published.publish(&queue.tally)
    return hasRoom
  }
}
