import LinkSystem
import Synchronization

extension HostilePeer {
  /// Repeats `body` for the length of a storm.
  func storm(_ body: () throws -> Void) rethrows {
    let end = monotonicNanoseconds() &+ UInt64(duration / .nanoseconds(1))
    while monotonicNanoseconds() < end { try body() }
  }

  /// As `storm`, while `disturb` runs on a thread of its own, over and over.
  func storm(
    disturb: @escaping @Sendable (inout SeededGenerator) -> Void, _ body: () throws -> Void
  ) throws {
    let isOver = Flag()
    let seed = random.next()
    let thread = try SystemThread(name: "scribbler") {
      var random = SeededGenerator(seed: seed)
      while !isOver.isSet { disturb(&random) }
    }
    let result = Result { try storm(body) }
    isOver.set()
    thread.join()
    try result.get()
  }

  /// A few honest packets as fast as there is room, and a look at what came back.
  func chatter() {
    for _ in 0..<16 where sendHonest() == nil { break }
    ring()
    collect()
    Self.pause()
  }
}

private final class Flag: Sendable {
  private let value = Atomic<Bool>(false)
  var isSet: Bool { value.load(ordering: .relaxed) }
  func set() { value.store(true, ordering: .relaxed) }
}

extension SeededGenerator {
  /// A number that is likely to hurt: a limit, a neighbour of one, or anything.
  mutating func hostileNumber() -> UInt64 {
    switch Int.random(in: 0..<6, using: &self) {
    case 0: return 0
    case 1: return (1 as UInt64) << UInt64.random(in: 0..<64, using: &self)
    case 2: return ((1 as UInt64) << UInt64.random(in: 0..<64, using: &self)) &- 1
    case 3: return 0 &- UInt64.random(in: 0..<4096, using: &self)
    case 4: return UInt64.random(in: 0..<1 << 21, using: &self)
    default: return next()
    }
  }
}
