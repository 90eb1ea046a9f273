import LinkCore
import LinkSystem
import Synchronization

/// Counts what a link delivers, and looks at the first byte of each packet, as the baselines do.
private final class Counter: LinkDispatcher {
  // One thread writes them.
  private let packets = Atomic(0)
  private let bytes = Atomic(0)
  private let sum = Atomic(UInt64(0))
  private let announcements = Atomic(0)

  var moved: Moved { Moved(packets: packets.load(ordering: .relaxed), bytes: bytes.load(ordering: .relaxed)) }

  func deliverPackets(_ batch: inout PacketBatch) {
    var (packets, bytes, sum) = (0, 0, UInt64(0))
    batch.forEach { packet in
      packets += 1
      bytes += packet.count
      sum &+= UInt64(packet[0])
    }
    let moved = moved
    self.packets.store(moved.packets &+ packets, ordering: .relaxed)
    self.bytes.store(moved.bytes &+ bytes, ordering: .relaxed)
    self.sum.store(self.sum.load(ordering: .relaxed) &+ sum, ordering: .relaxed)
  }

  /// How often the link had room again.
  var roomAnnouncements: Int { announcements.load(ordering: .relaxed) }
  func linkHasRoom() { announcements.store(roomAnnouncements &+ 1, ordering: .relaxed) }
}

/// A link that this thread drives through its public interface.
struct LinkUnderTest {
  private let link: any DrivenLink
  private let counter = Counter()
  /// Whether it looks for packets without end, rather than to wait for its descriptors.
  private let spins: Bool
  private let sleeper = Sleeper()
  /// As long as a baseline waits for packets that do not come.
  private static let patience: UInt64 = 100_000_000

  init(_ link: any DrivenLink, spins: Bool = false) throws {
    self.link = link
    self.spins = spins
    try link.attach(counter)
    // Nobody rings who spins: with the end of the first wait it says so.
    if spins, sleeper.prepare(link) { _ = link.step() }
  }

  /// Has the link do what it does before it sleeps.
  func arm() { _ = sleeper.prepare(link) }

  /// The sleep that it was armed for: until something came. False if nothing did.
  func sleep() throws -> Bool { try sleeper.sleep(atMost: Self.patience) }

  /// Receives so many packets, or fewer if no more come.
  func receive(_ count: Int) throws -> Moved {
    let before = counter.moved
    var patience = SpinPatience()
    while counter.moved.packets - before.packets < count {
      switch link.step() {
      case .delivered: patience = SpinPatience()
      case .idle where spins, .starved where spins: if !patience.spin() { return moved(since: before) }
      case .idle, .starved:
        guard sleeper.prepare(link) else { continue }
        if try !sleep() { return moved(since: before) }
      case .notAttached, .closed: throw BenchFailure("the link is closed")
      }
    }
    return moved(since: before)
  }

  private func moved(since before: Moved) -> Moved {
    let now = counter.moved
    return Moved(packets: now.packets - before.packets, bytes: now.bytes - before.bytes)
  }

  /// Sends so many packets of the batch, again and again.
  func send(_ count: Int, _ batch: borrowing PacketBatch, byteCount: Int) throws -> Moved {
    try batch.withPackets { packets in
      var left = count
      while left > 0 {
        let announcements = counter.roomAnnouncements
        let asked = min(left, packets.count)
        let taken: Int
        do throws(LinkError) { taken = try link.writePackets(packets.extracting(first: asked)) } catch {
          guard spins, error.code == .wouldBlock else { throw error }
          taken = 0
        }
        left -= taken
        if spins, taken < asked { try awaitRoom(after: announcements) }
      }
    }
    return Moved(packets: count, bytes: count * byteCount)
  }

  private func awaitRoom(after announcements: Int) throws {
    var patience = SpinPatience()
    while counter.roomAnnouncements == announcements {
      if link.step() == .closed { throw BenchFailure("the link is closed") }
      if !patience.spin() { throw BenchFailure("no room for a second") }
    }
  }

  /// Packets like those of the baselines: a frame has `byteCount` bytes.
  func makeBatch(_ count: Int, byteCount: Int) throws -> PacketBatch {
    try Self.makeBatch(count, byteCount: byteCount, for: link)
  }

  static func makeBatch(_ count: Int, byteCount: Int, for link: any LinkEndpoint) throws -> PacketBatch {
    let pool = PacketPool(frameByteCount: byteCount, capacity: count)
    var batch = PacketBatch(capacity: count, pool: pool)
    var refusal: LinkError?
    for _ in 0..<count {
      batch.append { packet in
        packet.append(byteCount - link.maxHeaderLength) { bytes in
          bytes.update(repeating: 0)
          bytes[0] = 0x45
          (bytes[2], bytes[3]) = (UInt8(byteCount >> 8), UInt8(truncatingIfNeeded: byteCount))
          (bytes[8], bytes[9]) = (64, 253)
          (bytes[12], bytes[14], bytes[15]) = (192, 2, 1)
          (bytes[16], bytes[18], bytes[19]) = (192, 2, 2)
        }
        packet.facts.networkProtocol = link.maxHeaderLength == 0 ? .ipv4 : EtherType(rawValue: 0x88b5)
        do throws(LinkError) { try link.addHeader(to: &packet) } catch { refusal = error }
      }
    }
    if let refusal { throw refusal }
    return batch
  }

  func close() {
    link.close()
    while link.step() != .closed {}
  }
}

/// What a link's driver waits for, in memory of its own.
private final class Sleeper {
  private var plan = LinkWaitPlan()
  private var list = PollList()

  /// False: there is something to do.
  func prepare(_ link: any DrivenLink) -> Bool {
    plan.removeAll()
    return link.prepareToWait(addingTo: &plan)
  }

  func sleep(atMost nanoseconds: UInt64) throws -> Bool {
    list.removeAll()
    for entry in plan.entries { list.append(entry.descriptor, PollEvents(rawValue: entry.events)) }
    let began = monotonicNanoseconds()
    try list.wait(nanoseconds: nanoseconds)
    return monotonicNanoseconds() - began < nanoseconds
  }
}

/// Looks again and again, for a second at most. A time in which the process stood still does not count: nobody looked.
private struct SpinPatience {
  private var spins = 0
  private var last: UInt64 = 0
  private var waited: UInt64 = 0
  private static let mostAtOnce: UInt64 = 10_000_000

  /// False when the time is over.
  mutating func spin() -> Bool {
    spinPause()
    spins &+= 1
    if spins % 4096 != 0 { return true }
    let now = monotonicNanoseconds()
    waited += last == 0 ? 0 : min(now - last, Self.mostAtOnce)
    last = now
    return waited < 1_000_000_000
  }
}
