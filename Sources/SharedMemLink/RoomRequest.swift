import LinkSystem
import Synchronization

/// A sender that found no room, and wants to be told when there is some. Nothing in the wire format announces it, so
/// whoever drives the link looks again on a timer, more and more rarely.
final class RoomRequest: Sendable {
  /// The first look comes after this time, the following ones each after twice the time of the one before. Nanoseconds.
  private static let shortestInterval: UInt64 = 50_000
  static let longestInterval: UInt64 = 1_000_000

  private let isWanted = Atomic<Bool>(false)
  /// The driver sleeps, or is about to, without a timer.
  private let isAsleep = Atomic<Bool>(false)
  // Of the driver only.
  private let interval = Atomic<UInt64>(RoomRequest.shortestInterval)
  private let nextLook = Atomic<UInt64>(0)

  /// The sender wants room. True if the driver has to be woken for it.
  func make() -> Bool {
    if isWanted.exchange(true, ordering: .sequentiallyConsistent) { return false }
    // SYNC room: against `prepareToSleep`. Either this sees that the driver sleeps, or the driver sees the wish.
    return isAsleep.load(ordering: .sequentiallyConsistent)
  }

  /// The sender got everything through after all.
  @inline(__always) func withdraw() {
    guard isWanted.load(ordering: .relaxed) else { return }
    isWanted.store(false, ordering: .relaxed)
    interval.store(Self.shortestInterval, ordering: .relaxed)
  }

  /// Whether it is time to look for room.
  @inline(__always) func isDue(now: () -> UInt64) -> Bool {
    isWanted.load(ordering: .relaxed) && now() >= nextLook.load(ordering: .relaxed)
  }

  /// The driver looked. Returns whether to tell the sender, which is told once.
  func checked(found: Bool) -> Bool {
    if found {
      interval.store(Self.shortestInterval, ordering: .relaxed)
      return isWanted.exchange(false, ordering: .relaxed)
    }
    let waited = interval.load(ordering: .relaxed)
    nextLook.store(monotonicNanoseconds() &+ waited, ordering: .relaxed)
    interval.store(min(2 &* waited, Self.longestInterval), ordering: .relaxed)
    return false
  }

  /// The driver is about to sleep: for how long at most, in nanoseconds; nil: nobody wants room.
  func prepareToSleep() -> UInt64? {
    // SYNC room: see `make`.
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    guard isWanted.load(ordering: .sequentiallyConsistent) else { return nil }
    isAsleep.store(false, ordering: .relaxed)
    let now = monotonicNanoseconds()
    let next = nextLook.load(ordering: .relaxed)
    return next > now ? next - now : 0
  }

  func awake() { isAsleep.store(false, ordering: .relaxed) }
}
