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
  private let isFreeing = Atomic<Bool>(false)

  /// How long whoever frees held up threads stays with it. Nanoseconds.
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

  /// The same where nobody else may come to get this thread out: another one stands by meanwhile.
  func ringAttended() {
    let hasRung = Latch()
    do {
      let attendant = try SystemThread(name: "link-free") { [self] in
        while !hasRung.wait(deadline: monotonicNanoseconds() &+ 1_000_000) { free(forGood: false) }
      }
      ring()
      hasRung.open()
      attendant.join()
    } catch {
      // With no thread to be had there is nobody to stand by.
      ring()
    }
  }

  /// Takes what the other side rang. False: it never did. Nil: the peer made it no eventfd any more.
  func take() -> Bool? { do { return try event.read() != nil } catch { return nil } }

  /// Gets every thread out that is inside a ring, within 100 ms unless the peer's own threads refill the counter faster
  /// than ours are scheduled: a thread goes on with those then. `forGood`: none goes in again.
  func free(forGood: Bool, patience: UInt64 = Bell.patience) {
    // SYNC silence: see `ring`.
    if forGood { isSilent.store(true, ordering: .sequentiallyConsistent) }
    let end = monotonicNanoseconds() &+ patience
    while isHeld, monotonicNanoseconds() < end {
      drain()
      yieldThread()
    }
    // With no thread to be had, the next `free` tries again.
    if isHeld { _ = try? SystemThread(name: "link-free") { [self] in freeAll() } }
  }

  private var isHeld: Bool { ringers.load(ordering: .sequentiallyConsistent) > 0 }

  private func freeAll() {
    if isFreeing.exchange(true, ordering: .relaxed) { return }
    while isHeld {
      drain()
      // Against a peer that never stops, this must not take a processor for itself.
      _ = try? poll(-1, [], nanoseconds: 1_000_000)
    }
    isFreeing.store(false, ordering: .relaxed)
  }

  private func drain() {
    // Only a full counter holds anybody up; any other value is news for the peer.
    for _ in 0..<16 { EventCounter.takeIfFull(event.descriptor) }
  }
}
