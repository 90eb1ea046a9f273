import LinkSystem
public import Synchronization

/// Does for a link what its packets' facts leave to be done and it does not hand on: cuts them, and computes checksums.
///
/// A packet that was begun is taken as a whole. Segments that the link has no room for wait, in order, in front of
/// everything that is written later; the link flushes them when room comes. What waits is bounded: a batch of 64 packets of
/// the MTU's size, and one packet that is being cut. It stays while nobody is attached, and is counted as `linkDown` when
/// the link ends. One write makes some hundred segments, so that nobody, and no `close()`, waits for long.
@usableFromInline package final class SoftwareOffload: Sendable {
  private struct State: ~Copyable {
    var stage: OffloadStage
    var isOver = false
  }

  private let state: Lock<State>
  /// Something waits. Set and cleared under the lock.
  @usableFromInline let isWaiting = Atomic<Bool>(false)
  /// A write took fewer packets than there was room for. Set under the lock.
  @usableFromInline let owesRoom = Atomic<Bool>(false)
  private let published = PublishedTally()

  /// `segmentation`: of the link, as its owner chose it.
  package init(_ segmentation: SegmentationSupport) {
    let most = segmentation.kind == .none ? 0 : segmentation.maxByteCount
    state = Lock(State(stage: OffloadStage(mostByteCount: most)))
  }

  /// Whether segments wait for room.
  @inlinable package var holdsPackets: Bool { isWaiting.load(ordering: .acquiring) }
  /// The packets that were changed, and those that could not be or were lost here.
  package var tally: LinkTally { published.snapshot }

  /// Whether the link's own write can take these packets: it hands on all that their facts ask for, and nothing waits.
  @inlinable @inline(__always)
  package func passes(_ packets: Span<PacketBuffer>, _ offloads: OffloadSupport) -> Bool {
    if holdsPackets { return false }
    return packets.carriedCount(by: offloads) == packets.count
  }

  /// Whether a write has ended early, so that others come in between. The link rings for whoever drives it.
  @inlinable package var isRoomOwed: Bool { owesRoom.load(ordering: .acquiring) }
  /// The same, once: whoever drives the link flushes, and announces room.
  @inlinable package func takeOwedRoom() -> Bool {
    isRoomOwed && owesRoom.exchange(false, ordering: .acquiringAndReleasing)
  }

  /// As the link's own write, for packets with any facts. It may take fewer than there is room for: see `isRoomOwed`.
  package func write(_ packets: Span<PacketBuffer>, by link: inout some PlainWrite) -> Int {
    state.withLock { state in
      let count = state.stage.write(packets, by: &link)
      if state.stage.hasPaused { owesRoom.store(true, ordering: .releasing) }
      settle(&state)
      return count
    }
  }

  /// There is room. False if something still waits, for which the link's own write has asked for more room.
  ///
  /// It waits for a write that is under way, also where nothing is held back yet: the room may be what that write has asked
  /// for, on behalf of packets that it is about to hold back.
  package func flush(by link: inout some PlainWrite) -> Bool {
    state.withLock { state in
      let isEmpty = state.stage.flush(by: &link)
      settle(&state)
      return isEmpty
    }
  }

  /// The link is over.
  package func end() {
    state.withLock { state in
      state.isOver = true
      settle(&state)
    }
  }

  private func settle(_ state: inout State) {
    if state.isOver { state.stage.discard() }
    isWaiting.store(state.stage.count > 0, ordering: .releasing)
    published.publish(&state.stage.tally)
  }
}
