public import Synchronization

/// What precedes a chunk's bytes in memory: 64 bytes, so that the bytes start on a cache line of their own.
/// `next` is the pool's while the chunk is home; `facts` are the packet's while it is out.
@safe @usableFromInline struct ChunkHead {
  @usableFromInline var next: UInt
  @usableFromInline let core: UnsafeMutablePointer<PoolCore>
  @usableFromInline var facts: PacketFacts

  @unsafe init(core: UnsafeMutablePointer<PoolCore>) {
    next = 0
    // SAFETY: the core outlives its chunks: it frees itself after the last one came home.
    unsafe self.core = core
    facts = PacketFacts()
  }

  /// The distance from a head to its bytes: no less than the head's own size.
  static let byteCount = 64
}

/// The head of the chunk whose bytes begin at `base`.
@unsafe @inlinable @inline(__always) func chunkHead(_ base: UnsafeMutableRawPointer) -> UnsafeMutablePointer<ChunkHead>
{
  // SAFETY: the pool lays 64 bytes, bound to a ChunkHead, in front of every chunk's bytes.
  unsafe (base - 64).assumingMemoryBound(to: ChunkHead.self)
}

/// The same, of a base kept as a number in the pool's lists.
@unsafe func chunkHead(_ base: UInt) -> UnsafeMutablePointer<ChunkHead> {
  // SAFETY: the lists hold only addresses of chunks and end with 0, which every caller checks.
  unsafe chunkHead(UnsafeMutableRawPointer(bitPattern: base).unsafelyUnwrapped)
}

/// Sends a chunk home: one compare-and-swap, from any thread.
@unsafe @inlinable @inline(__always) func giveBack(_ base: UnsafeMutableRawPointer) {
  // SAFETY: the packet that owned the chunk is gone, so the head is ours until the swap publishes it. The core lives
  // until the last chunk is home, which is after the swap; behind it nothing is touched.
  let head = unsafe chunkHead(base)
  let core = unsafe head.pointee.core
  var old = unsafe core.pointee.returned.load(ordering: .relaxed)
  while true {
    if old == PoolCore.retired { return unsafe PoolCore.oneMoreCameHome(core) }
    if old == PoolCore.hungry {
      // SAFETY: the chunk is still ours; after a true it is not, and maybe the core is gone.
      if unsafe PoolCore.feed(core, base) { return }
      old = unsafe core.pointee.returned.load(ordering: .relaxed)
      continue
    }
    unsafe head.pointee.next = old
    // SYNC chunk-home: releases what the packet's owner wrote to whoever takes the chunk (`PoolCore.freshen`).
    let (exchanged, original) = unsafe core.pointee.returned.weakCompareExchange(
      expected: old, desired: UInt(bitPattern: base), successOrdering: .releasing, failureOrdering: .relaxed)
    if exchanged { return }
    old = original
  }
}
