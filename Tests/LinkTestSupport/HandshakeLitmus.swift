package import LinkQueue
package import LinkSystem
import Synchronization

/// The question whether a wake-up can be lost, put to the machine. In each round one thread publishes and looks whether
/// it is asked to tell, the other asks and looks whether something was published. If both miss, a link would sleep on a
/// full pipe, or a sender wait beside an empty one.
///
/// The handshake's memory decides what a fence is: with one that does nothing, the rounds must fail.
package final class HandshakeLitmus<Handshake: LitmusHandshake>: Sendable {
  /// Each round of a lap has a slot and a word of its own, on cache lines of their own, so that only the first round of
  /// a lap waits for the other thread with a barrier.
  private static var roundsPerLap: Int { 4096 }
  private static var line: Int { 128 }

  private let memory: PrivateRegion
  private let slots: [SharedRegion]
  private let words: [Handshake]
  private let publisher = Progress()
  private let sleeper = Progress()
  private let rang = Lock([Bool]())
  private let saw = Lock([Bool]())

  /// `handshake` makes the one under test over a plain memory.
  package init(_ handshake: (SharedRegion) -> Handshake) {
    let region = PrivateRegion(byteCount: Self.roundsPerLap * 4 * Self.line)
    memory = region
    slots = (0..<Self.roundsPerLap).map { region.part(4 * $0 * Self.line, 8) }
    words = (0..<Self.roundsPerLap).map { handshake(region.part((4 * $0 + 1) * Self.line, 2 * Self.line)) }
  }

  /// Plays at least `rounds` rounds. Returns how many were played and in how many both missed.
  package func run(rounds: Int, seed: UInt64) throws(SystemError) -> (played: Int, failures: Int) {
    let laps = (rounds + Self.roundsPerLap - 1) / Self.roundsPerLap
    let thread = try SystemThread(name: "publisher") { self.publish(laps, SeededRandom(seed: seed)) }
    sleep(laps, SeededRandom(seed: ~seed))
    thread.join()
    let (rang, saw) = (rang.withLock { $0 }, saw.withLock { $0 })
    return (rang.count, zip(rang, saw).count { !$0 && !$1 })
  }

  private func publish(_ laps: Int, _ seeded: SeededRandom) {
    var random = seeded
    var result = [Bool](repeating: false, count: laps * Self.roundsPerLap)
    for lap in 0..<laps {
      publisher.meet(sleeper, 3 * lap + 1)
      publisher.meet(sleeper, 3 * lap + 2)
      // Nothing is asked now. Looking brings the words into this core's cache.
      for word in words { precondition(!word.isAsked()) }
      publisher.meet(sleeper, 3 * lap + 3)
      for index in 0..<Self.roundsPerLap {
        let round = lap * Self.roundsPerLap + index
        publisher.approach(sleeper, round, jitter: random.next())
        slots[index].storeReleasing(UInt64(round + 1), 0)
        result[round] = words[index].isAsked()
      }
    }
    rang.withLock { $0 = result }
  }

  private func sleep(_ laps: Int, _ seeded: SeededRandom) {
    var random = seeded
    var result = [Bool](repeating: false, count: laps * Self.roundsPerLap)
    for lap in 0..<laps {
      // The publisher has looked at all words of the lap before.
      sleeper.meet(publisher, 3 * lap + 1)
      for word in words { word.reset() }
      sleeper.meet(publisher, 3 * lap + 2)
      sleeper.meet(publisher, 3 * lap + 3)
      for index in 0..<Self.roundsPerLap {
        let round = lap * Self.roundsPerLap + index
        sleeper.approach(publisher, round, jitter: random.next())
        words[index].ask()
        result[round] = slots[index].loadAcquiring(0) == UInt64(round + 1)
      }
    }
    saw.withLock { $0 = result }
  }
}

/// How far one of the two threads is. Plain stores and loads: nothing here is a fence for the round that follows.
private final class Progress: Sendable {
  private let barrier = Atomic<Int>(0)
  private let round = Atomic<Int>(0)

  /// Waits until both threads are at barrier `number`.
  func meet(_ other: Progress, _ number: Int) {
    barrier.store(number, ordering: .releasing)
    var spins = 0
    var deadline: UInt64?
    while other.barrier.load(ordering: .acquiring) < number {
      spinPause()
      spins += 1
      if spins % 65536 == 0 {
        let now = monotonicNanoseconds()
        precondition(now < deadline ?? .max, "the other thread does not come")
        deadline = deadline ?? now + 60_000_000_000
      }
    }
  }

  /// Waits a moment for the other thread to come to the same round, and goes on without it: it may not be running.
  @inline(__always) func approach(_ other: Progress, _ number: Int, jitter: UInt64) {
    round.store(number, ordering: .relaxed)
    var spins = 0
    while spins < 16, other.round.load(ordering: .relaxed) < number {
      spinPause()
      spins += 1
    }
    for _ in 0..<(jitter & 3) { spinPause() }
  }
}

/// One side asks to be told, the other looks whether it is asked.
package protocol LitmusHandshake: Sendable {
  func reset()
  func ask()
  func isAsked() -> Bool
}

/// A receiver that wants to be rung for packets.
package struct BellHandshake<Memory: WordMemory>: LitmusHandshake {
  private let word: NotificationWord<Memory>
  package init(_ memory: Memory) { word = NotificationWord(memory) }

  package func reset() { word.disable() }
  package func ask() { word.enable() }
  package func isAsked() -> Bool { word.isWanted() }
}

/// A sender that wants to be told of room.
package struct RoomHandshake<Memory: WordMemory>: LitmusHandshake {
  private let wish: RoomWish<Memory>
  private let answer: RoomAnswer<Memory>

  package init(_ memory: Memory) {
    wish = RoomWish(memory)
    answer = RoomAnswer(memory)
  }

  package func reset() { wish.withdraw() }
  package func ask() {
    var wish = wish
    wish.make()
  }
  package func isAsked() -> Bool {
    var answer = answer
    return answer.isDueAtLast()
  }
}

/// A memory whose fence does nothing: what a handshake would be without it.
package struct FencelessMemory: WordMemory {
  private let memory: SharedRegion
  package init(_ memory: SharedRegion) { self.memory = memory }

  package var byteCount: Int { memory.byteCount }
  @inline(__always) package func loadAcquiring(_ offset: Int) -> UInt64 { memory.loadAcquiring(offset) }
  @inline(__always) package func storeReleasing(_ value: UInt64, _ offset: Int) { memory.storeReleasing(value, offset) }
  @inline(__always) package func store(_ value: UInt64, _ offset: Int) { memory.store(value, offset) }
  @inline(__always) package func field32(_ offset: Int) -> UInt32 { memory.field32(offset) }
  @inline(__always) package func field64(_ offset: Int) -> UInt64 { memory.field64(offset) }
  @inline(__always) package func setField32(_ value: UInt32, _ offset: Int) { memory.setField32(value, offset) }
  @inline(__always) package func setField64(_ value: UInt64, _ offset: Int) { memory.setField64(value, offset) }
  @inline(__always) package func loadFlag(_ offset: Int) -> UInt32 { memory.loadFlag(offset) }
  @inline(__always) package func storeFlag(_ value: UInt32, _ offset: Int) { memory.storeFlag(value, offset) }
  @inline(__always) package func fence() {}
}
