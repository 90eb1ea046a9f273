public import Synchronization

/// A tally that any thread may read while its one owner goes on counting. The owner counts in plain fields and publishes
/// once per batch: an atomic addition per packet costs twenty times as much.
@usableFromInline package final class PublishedTally: Sendable {
  @usableFromInline let packets = Atomic<UInt64>(0)
  @usableFromInline let bytes = Atomic<UInt64>(0)
  @usableFromInline let batches = Atomic<UInt64>(0)
  private let drops = InlineArray<16, Atomic<UInt64>> { _ in Atomic(0) }
  private let events = InlineArray<16, Atomic<UInt64>> { _ in Atomic(0) }

  package init() {}

  /// Called by the owner, or under the owner's lock.
  @inlinable @inline(__always)
  package func publish(_ tally: inout LinkTally) {
    packets.store(tally.packets, ordering: .relaxed)
    bytes.store(tally.bytes, ordering: .relaxed)
    batches.store(tally.batches, ordering: .relaxed)
    if tally.hasRareChanges { publishRare(&tally) }
  }

  @usableFromInline @inline(never) func publishRare(_ tally: inout LinkTally) {
    for cause in DropCause.allCases { drops[cause.index].store(tally[cause], ordering: .relaxed) }
    for event in LinkEvent.allCases { events[event.rawValue].store(tally[event], ordering: .relaxed) }
    tally.hasRareChanges = false
  }

  package var snapshot: LinkTally {
    var tally = LinkTally()
    tally.packets = packets.load(ordering: .relaxed)
    tally.bytes = bytes.load(ordering: .relaxed)
    tally.batches = batches.load(ordering: .relaxed)
    for cause in DropCause.allCases { tally[cause] = drops[cause.index].load(ordering: .relaxed) }
    for event in LinkEvent.allCases { tally[event] = events[event.rawValue].load(ordering: .relaxed) }
    return tally
  }
}
