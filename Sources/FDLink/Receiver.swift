import Eventfd
import LinkCore
import LinkSystem

/// The receiving half of a link: the batch that it lends, and what is to be waited for. It belongs to the turn.
struct Receiver: ~Copyable {
  private var batch: PacketBatch
  private var strategy: any ReceiveStrategy & ~Copyable
  private var input: ReceiveInput
  private var coalescer: Coalescer?
  private var outlook = Outlook.more
  /// Wake-ups in a row that brought nothing.
  private var fruitless = 0
  private let published: PublishedTally
  /// What the descriptor is waited for.
  private let awaited: PollEvents

  /// What the last turn left to expect.
  private enum Outlook: Equatable {
    /// There may be more now.
    case more
    /// The descriptor will say.
    case readable
    /// Only a timer can tell.
    case timer
    /// Packets must come home first; whether the descriptor already reports its end, and would do so for ever.
    case starved(isGone: Bool)
  }

  init(
    batch: consuming PacketBatch, strategy: consuming any ReceiveStrategy & ~Copyable, input: ReceiveInput,
    coalescer: Coalescer?, published: PublishedTally, isDeaf: Bool
  ) {
    self.batch = batch
    self.strategy = strategy
    self.input = input
    self.coalescer = coalescer
    self.published = published
    awaited = isDeaf ? .peerShutdown : [.input, .peerShutdown]
  }

  /// How often a descriptor that announces nothing is looked at.
  private static let lookAgain: UInt64 = 20_000_000
  /// A link that never sleeps asks for the kernel's drops every so many batches.
  private static let dropCheck: UInt64 = 256
  /// So many wake-ups for nothing, and the descriptor is not believed any more.
  private static let patience = 8

  /// `askPool` asks a pool for a wake-up, and returns false if it is not empty.
  mutating func turn(
    _ dispatcher: any LinkDispatcher, frameLimit: Int, peerIsGone: Bool, askPool: (PacketPool) -> Bool
  ) -> LinkTurn {
    var limit = batch.prepareToReceive()
    while limit == 0 {
      if askPool(batch.pool) { return starve() }
      limit = batch.prepareToReceive()
    }
    input.frameLimit = frameLimit
    if peerIsGone { input.peerIsGone = true }
    let result = strategy.receive(into: &batch, limit: limit, &input)
    outlook = .more
    switch result {
    case .delivered:
      input.tally.batches &+= 1
      if input.tally.batches % Self.dropCheck == 0 { input.collectKernelDrops() }
      coalescer?.coalesce(&batch, of: input.framing, counting: &input.tally)
      foundSomething()
      dispatcher.deliverPackets(&batch)
      return .delivered
    case .filtered:
      foundSomething()
      return .idle
    case .idle:
      outlook = .readable
      foundNothing()
      return .idle
    case .paused:
      outlook = .timer
      foundSomething()
      return .idle
    case .stopped(let reason):
      foundSomething()
      return .ended(reason)
    }
  }

  /// Judges frames that came another way, and leaves the good ones in the batch.
  mutating func judge(_ packets: inout PacketBatch, frameLimit: Int) {
    for index in 0..<packets.count where packets.holds(index) {
      let isGood = packets.modify(index) { packet in
        let byteCount = packet.frameByteCount
        input.frameLimit = frameLimit
        input.frameLimit = input.limit(packet.facts.offload)
        if byteCount > 0 { return input.accept(&packet, byteCount: byteCount, room: byteCount) }
        input.countEmpty()
        return false
      }
      if !isGood { _ = packets.take(index) }
    }
    packets.compact()
    if !packets.isEmpty { input.tally.batches &+= 1 }
    published.publish(&input.tally)
  }

  private mutating func foundSomething() {
    published.publish(&input.tally)
    input.hasWoken = false
    fruitless = 0
  }

  /// A wake-up without a frame is nothing bad, but a series of them may never end: a descriptor can poll ready and have
  /// nothing to read (a socket shut down by its owner, an error queue that nobody reads).
  private mutating func foundNothing() {
    if input.tally.hasRareChanges { published.publish(&input.tally) }
    guard input.hasWoken else { return }
    input.hasWoken = false
    input.discardErrors()
    input.tally[.emptyWakeUp] += 1
    fruitless += 1
    guard fruitless >= Self.patience else { return }
    fruitless = 0
    let events = input.reported(awaited)
    if !events.isDisjoint(with: [.hangUp, .peerShutdown]) {
      input.peerIsGone = true
      outlook = .more
    } else if !events.isEmpty {
      outlook = .timer
    }
  }

  private mutating func starve() -> LinkTurn {
    if case .starved(let isGone) = outlook {
      if isGone { return .starved }
    } else {
      input.tally[.starvation] += 1
      published.publish(&input.tally)
    }
    let (isGone, reason) = input.endWithoutReading()
    outlook = .starved(isGone: isGone)
    if let reason { return .ended(reason) }
    return .starved
  }

  /// As `RunnableLink.prepareToWait`; `room` is what the sending half waits for.
  mutating func prepareToWait(_ room: RoomWish) -> WaitDecision {
    var entry = PollEntry(input.descriptor)
    var nanoseconds: UInt64?
    switch outlook {
    case .more: return .somethingArrived
    case .readable: entry.events = awaited
    case .timer:
      // Not polled: a device that is down, or a descriptor that is not believed, may report something all the time.
      entry.descriptor = -1
      nanoseconds = Self.lookAgain
    case .starved(let isGone): if isGone { entry.descriptor = -1 } else { entry.events = .peerShutdown }
    }
    switch room {
    case .none: break
    case .writable: entry.events.insert(.output)
    case .timer(let deadline):
      let now = monotonicNanoseconds()
      nanoseconds = min(nanoseconds ?? .max, deadline > now ? deadline - now : 0)
    }
    input.collectKernelDrops()
    input.tally[.sleep] += 1
    published.publish(&input.tally)
    var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1))
    entries[0] = entry
    return .wait(entries, nanoseconds: nanoseconds)
  }

  /// The other end is gone, though packets of it may be left.
  var knowsPeerIsGone: Bool {
    if case .starved(isGone: true) = outlook { return true }
    return input.peerIsGone
  }

  mutating func interfaceWentDown() { input.interfaceWentDown() }

  mutating func waitEnded() { input.hasWoken = true }

  /// Gives back what the way of receiving holds.
  mutating func release() {
    input.collectKernelDrops()
    published.publish(&input.tally)
    strategy = ReadvStrategy()
  }
}
