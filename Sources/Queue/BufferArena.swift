/// The sender's private account of its shared data: which buffers are free, and which belong to a packet under way. The
/// id of a packet is the number of its first buffer, so an id that comes back leads to its record at once; a peer can
/// at most name a packet that is not under way, which the record tells.
struct BufferArena: ~Copyable {
  struct Entry: BitwiseCopyable {
    /// The next buffer of the packet, or of the free list.
    var next: UInt32
    /// In a packet's first buffer: its last one; `none` when no packet under way begins here.
    var last: UInt32
    /// In a packet's first buffer: how many it has.
    var count: UInt32
  }
  private static let none = UInt32.max

  private let entries: FixedTable<Entry>
  private var firstFree: UInt32
  private(set) var freeCount: Int
  let bufferByteCount: Int

  /// How many buffers a data area is cut into. The area may be the peer's, and each buffer costs us a record: beyond a
  /// number that no pipe can carry at once, the rest is not used.
  static func bufferCount(_ dataByteCount: Int, _ bufferByteCount: Int) -> Int {
    min(dataByteCount / bufferByteCount, 1 << 16)
  }

  /// Cuts `dataByteCount` bytes into equal buffers; a rest too short for one is not used.
  init(dataByteCount: Int, bufferByteCount: Int) {
    let count = Self.bufferCount(dataByteCount, bufferByteCount)
    self.bufferByteCount = bufferByteCount
    freeCount = count
    firstFree = count == 0 ? Self.none : 0
    entries = FixedTable(count: count, repeating: Entry(next: Self.none, last: Self.none, count: 0))
    for index in 0..<max(0, count - 1) { entries[index].next = UInt32(index + 1) }
  }

  var count: Int { entries.count }

  /// How many buffers a frame takes.
  @inline(__always) func buffersNeeded(_ frameByteCount: Int) -> Int {
    frameByteCount <= bufferByteCount ? 1 : (frameByteCount &+ bufferByteCount &- 1) / bufferByteCount
  }

  /// The next free buffer. There is one: the caller has looked at `freeCount`.
  @inline(__always) var nextFree: Int { Int(firstFree) }
  /// The free buffer behind `index` in the list.
  @inline(__always) func follower(of index: Int) -> Int { Int(entries[index].next) }
  @inline(__always) func offset(of index: Int) -> Int { index &* bufferByteCount }

  /// Gives the first `count` free buffers, which end with `last`, to a packet. Its id is the first of them.
  @inline(__always) mutating func allocate(count: Int, last: Int) {
    let first = Int(firstFree)
    firstFree = entries[last].next
    entries[first].last = UInt32(truncatingIfNeeded: last)
    entries[first].count = UInt32(truncatingIfNeeded: count)
    freeCount &-= count
  }

  /// Takes back the buffers of packet `claimedIdentifier`. False if no packet of that id is under way.
  @inline(__always) mutating func release(_ claimedIdentifier: UInt64) -> Bool {
    guard claimedIdentifier < UInt64(entries.count) else { return false }
    let first = Int(truncatingIfNeeded: claimedIdentifier)
    let entry = entries[first]
    guard entry.last != Self.none else { return false }
    entries[first].last = Self.none
    entries[Int(entry.last)].next = firstFree
    firstFree = UInt32(truncatingIfNeeded: first)
    freeCount &+= Int(entry.count)
    return true
  }
}
