import LinkSystem
public import Synchronization

/// The part of a pool that its chunks point to. It outlives the `PacketPool` until the last packet comes home.
@safe @usableFromInline struct PoolCore: ~Copyable {
  /// Chunks given back by anybody, most recent first, as a stack of addresses; or one of the marks below.
  /// Anyone pushes; only a taker that holds `shelf` removes, and it removes all at once, so there is no ABA.
  @usableFromInline let returned: Atomic<UInt> = Atomic(0)
  /// Nobody gave back anything, and somebody waits for it.
  @usableFromInline static var hungry: UInt { 1 }
  /// The pool is gone: chunks are counted, no longer kept. Chunk addresses are multiples of 64, so marks differ.
  @usableFromInline static var retired: UInt { 2 }

  struct Shelf {
    /// Chunks ready to be taken, linked by their heads.
    var first: UInt = 0
    /// Whoever is to be told when a chunk comes back. Each keeps the pool alive.
    var waiting: [(pool: PacketPool, wake: @Sendable () -> Void)] = []
  }
  let shelf = Lock(Shelf())
  /// Chunks still away after retirement; zero is reached exactly once.
  let away = Atomic<Int>(0)
  let slab: UnsafeMutableRawPointer
  let chunkCount: Int
  let chunkByteCount: Int

  /// Allocates a core with all its chunks on the shelf.
  static func make(chunkByteCount: Int, chunkCount: Int) -> UnsafeMutablePointer<PoolCore> {
    // An odd number of cache lines apart, so that the heads of neighbours do not share a cache set.
    var stride = (chunkByteCount + ChunkHead.byteCount + 63) & ~63
    if stride / 64 % 2 == 0 { stride += 64 }
    precondition(MemoryLayout<ChunkHead>.size <= ChunkHead.byteCount)
    // SAFETY: every head and chunk lies within the slab: `chunkCount` times `stride` bytes. The slab and the core are
    // freed together, by `free`.
    let core = UnsafeMutablePointer<PoolCore>.allocate(capacity: 1)
    let slab = UnsafeMutableRawPointer.allocate(byteCount: stride * chunkCount, alignment: 4096)
    unsafe core.initialize(to: PoolCore(slab: slab, chunkCount: chunkCount, chunkByteCount: chunkByteCount))
    unsafe core.pointee.shelf.withLock { shelf in
      for index in (0..<chunkCount).reversed() {
        let head = unsafe (slab + index * stride).bindMemory(to: ChunkHead.self, capacity: 1)
        unsafe head.initialize(to: ChunkHead(core: core))
        unsafe head.pointee.next = shelf.first
        shelf.first = UInt(bitPattern: head) + UInt(ChunkHead.byteCount)
      }
    }
    return unsafe core
  }

  /// Takes up to `count` chunks and calls `body` with each base. Returns how many there were.
  @inline(__always)
  func take(_ count: Int, _ body: (Int, UnsafeMutableRawPointer) -> Void) -> Int {
    shelf.withLock { shelf in
      freshen(&shelf.first)
      var index = 0
      while index < count, shelf.first != 0 {
        let base = shelf.first
        // SAFETY: a chunk on the shelf belongs to whoever holds the lock.
        shelf.first = unsafe chunkHead(base).pointee.next
        unsafe chunkHead(base).pointee.facts = PacketFacts()
        unsafe body(index, UnsafeMutableRawPointer(bitPattern: base).unsafelyUnwrapped)
        index += 1
      }
      return index
    }
  }

  /// Puts what came back, hot in the cache, in front of what is on the shelf.
  private func freshen(_ shelf: inout UInt) {
    // A hungry mark stays: nothing came back, and the one who waits still does.
    if returned.load(ordering: .relaxed) <= Self.retired { return }
    // SYNC chunk-home: acquires, see `giveBack`. A stack with chunks on it carries no mark.
    let first = returned.exchange(0, ordering: .acquiring)
    if shelf != 0 {
      var last = first
      // SAFETY: the exchange made this list ours; it ends with 0.
      while unsafe chunkHead(last).pointee.next != 0 { last = unsafe chunkHead(last).pointee.next }
      unsafe chunkHead(last).pointee.next = shelf
    }
    shelf = first
  }

  /// Registers a wake-up for the next chunk that comes back; false, and nothing registered, if there is one already.
  func wait(_ pool: PacketPool, _ wake: @escaping @Sendable () -> Void) -> Bool {
    shelf.withLock { shelf in
      if shelf.first != 0 { return false }
      var old = returned.load(ordering: .relaxed)
      while old != Self.hungry {
        if old != 0 { return false }
        // Either this swap comes first, and the next giver sees the mark, or a giver's does, and this one fails.
        (_, old) = returned.compareExchange(expected: 0, desired: Self.hungry, ordering: .relaxed)
        if old == 0 { break }
      }
      shelf.waiting.append((pool, wake))
      return true
    }
  }

  /// A giver met the hungry mark: puts the chunk in its place and wakes everybody who waits. False, and nothing done, if
  /// the mark is gone already.
  @usableFromInline @inline(never) static func feed(
    _ core: UnsafeMutablePointer<PoolCore>, _ base: UnsafeMutableRawPointer
  ) -> Bool {
    // SAFETY: the core lives while the giver's chunk is away. Under the lock the mark means that somebody waits, and
    // `waiting` keeps the pool, and so the core, alive from then until the last wake-up.
    let waiting = unsafe core.pointee.shelf.withLock { shelf in
      guard unsafe core.pointee.returned.load(ordering: .relaxed) == hungry else { return shelf.waiting[..<0] }
      unsafe chunkHead(base).pointee.next = 0
      // SYNC chunk-home: releases, see `giveBack`. Only holders of the lock put the mark there or take it away.
      unsafe core.pointee.returned.store(UInt(bitPattern: base), ordering: .releasing)
      defer { shelf.waiting = [] }
      return shelf.waiting[...]
    }
    for one in waiting { one.wake() }
    return !waiting.isEmpty
  }

  /// The pool is gone. Frees the memory now, or leaves that to the last packet.
  static func retire(_ core: UnsafeMutablePointer<PoolCore>) {
    // SAFETY: called once, by the pool's deinit: no taker is left. Each chunk is counted once: here, if it was home
    // when the mark went in, or in `oneMoreCameHome`.
    let home = unsafe core.pointee.shelf.withLock { shelf in
      var home = 0
      for first in unsafe [shelf.first, core.pointee.returned.exchange(retired, ordering: .acquiring)]
      where first > retired {
        var base = first
        while base != 0 {
          home += 1
          base = unsafe chunkHead(base).pointee.next
        }
      }
      return home
    }
    let away = unsafe core.pointee.chunkCount - home
    if unsafe core.pointee.away.add(away, ordering: .acquiringAndReleasing).newValue == 0 { unsafe free(core) }
  }

  /// A packet came home after the pool was gone.
  @usableFromInline @inline(never) static func oneMoreCameHome(_ core: UnsafeMutablePointer<PoolCore>) {
    // SAFETY: the count starts at 0, falls with each packet and rises once, in `retire`, by the number of them: whoever
    // brings it to zero is the last that knows the core.
    if unsafe core.pointee.away.subtract(1, ordering: .acquiringAndReleasing).newValue == 0 { unsafe free(core) }
  }

  private static func free(_ core: UnsafeMutablePointer<PoolCore>) {
    // SAFETY: nobody knows the core or a chunk any more. Heads are trivial: nothing to deinitialise.
    unsafe core.pointee.slab.deallocate()
    unsafe core.deinitialize(count: 1)
    unsafe core.deallocate()
  }
}
