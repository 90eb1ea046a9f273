import LinkSystem
import Synchronization

/// A sender that found no room, and wants to be told when there is some. A peer that is ours announces it. For any other
/// whoever drives the link looks again on a timer, more and more rarely.
final class RoomRequest: Sendable {
  /// The first look comes after this time, the following ones each after twice the time of the one before. Nanoseconds.
  private static let shortestInterval: UInt64 = 50_000
  static let longestInterval: UInt64 = 1_000_000

  private let wanted = Atomic<Bool>(false)
  /// The driver sleeps, or is about to, without a timer.
  private let isAsleep = Atomic<Bool>(false)
  // Of the driver's timer.
  private let interval = Atomic<UInt64>(RoomRequest.shortestInterval)
  private let nextLook = Atomic<UInt64>(0)

  /// Room is wanted, and nobody has been told of any.
  @inline(__always) var isWanted: Bool { wanted.load(ordering: .relaxed) }

  // MARK: The sender

  /// The sender wants room. False if somebody did before.
  func make() -> Bool { !wanted.exchange(true, ordering: .sequentiallyConsistent) }

  /// Whether the driver has to be woken, after `make`, to begin with its timer.
  var isDriverAsleep: Bool {
    // SYNC room-timer: against `prepareToSleep`. Either this sees that the driver sleeps, or the driver sees the wish.
    isAsleep.load(ordering: .sequentiallyConsistent)
  }

  /// There is room, or never will be: the wish is over. True if it was not yet: then the sender has to be told.
  @discardableResult func end() -> Bool {
    interval.store(Self.shortestInterval, ordering: .relaxed)
    return wanted.exchange(false, ordering: .relaxed)
  }

  // MARK: The driver's timer

  /// Whether it is time to look for room. Sets the time of the next look, if so.
  func isDue() -> Bool {
    let now = monotonicNanoseconds()
    guard now >= nextLook.load(ordering: .relaxed) else { return false }
    let waited = interval.load(ordering: .relaxed)
    nextLook.store(now &+ waited, ordering: .relaxed)
    interval.store(min(2 &* waited, Self.longestInterval), ordering: .relaxed)
    return true
  }

  /// The driver is about to sleep: for how long at most, in nanoseconds; nil: nobody wants room.
  func prepareToSleep() -> UInt64? {
    // SYNC room-timer: see `isDriverAsleep`.
    isAsleep.store(true, ordering: .sequentiallyConsistent)
    guard wanted.load(ordering: .sequentiallyConsistent) else { return nil }
    isAsleep.store(false, ordering: .relaxed)
    let now = monotonicNanoseconds()
    let next = nextLook.load(ordering: .relaxed)
    return next > now ? next - now : 0
  }

  func awake() { isAsleep.store(false, ordering: .relaxed) }
}
