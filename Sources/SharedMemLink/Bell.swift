import Eventfd
import LinkSystem
import Synchronization

/// A queue's event descriptor. Its open file is the peer's as well, who can make it blocking and fill it at the very moment
/// of a ring: then that thread stays inside until somebody takes the counter's value. So a ring is made without any lock,
/// and whoever rings keeps the descriptor open.
final class Bell: Sendable {
  private let event: EventFD
  private let ringers = Atomic<Int>(0)
  private let isSilent = Atomic<Bool>(false)

  /// How long a peer may keep refilling the counter before whoever frees a held up thread gives up. Nanoseconds.
  private static let patience: UInt64 = 100_000_000

  init(_ event: consuming EventFD) { self.event = event }

  var descriptor: Int32 { event.descriptor }

  /// Rings, unless the bell was silenced. A full counter is a bell that rings already, and the peer can make it so. Whatever
  /// else the kernel may say of an eventfd means as much: the peer is not woken.
  func ring() {
    ringers.wrappingAdd(1, ordering: .sequentiallyConsistent)
    // SYNC silence: either this sees the silence, or `free` sees the ringer.
    if !isSilent.load(ordering: .sequentiallyConsistent) { _ = EventCounter.add(1, to: event.descriptor) }
    ringers.wrappingSubtract(1, ordering: .sequentiallyConsistent)
  }

  /// Takes what the other side rang. False: it never did. Nil: the peer made it no eventfd any more.
  func take() -> Bool? { do { return try event.read() != nil } catch { return nil } }

  /// Gets every thread out that is inside a ring, as far as the peer's own threads let it in 100 ms. `forGood`: none goes
  /// in again.
  func free(forGood: Bool) {
    // SYNC silence: see `ring`.
    if forGood { isSilent.store(true, ordering: .sequentiallyConsistent) }
    let end = monotonicNanoseconds() &+ Self.patience
    while ringers.load(ordering: .sequentiallyConsistent) > 0, monotonicNanoseconds() < end {
      // Only a full counter holds anybody up; any other value is news for the peer.
      for _ in 0..<16 { EventCounter.takeIfFull(event.descriptor) }
      yieldThread()
    }
  }
}
