/// Buffers that the client posted and the server has not filled yet, in their order: a private, bounded queue, since what
/// was pulled out of a pipe must not be read there a second time.
struct PostedBuffers: ~Copyable {
  struct Buffer: BitwiseCopyable {
    var offset: UInt64
    var userData: UInt64
    var identifier: UInt64
    var byteCount: Int
  }

  private let ring: FixedTable<Buffer>
  private var first = 0
  private(set) var count = 0
  /// The bytes of all of them.
  private(set) var byteCount = 0

  init(capacity: Int) {
    ring = FixedTable(count: capacity, repeating: Buffer(offset: 0, userData: 0, identifier: 0, byteCount: 0))
  }

  var isFull: Bool { count == ring.count }

  /// The buffer at `position` from the front.
  @inline(__always) subscript(position: Int) -> Buffer { ring[place(position)] }

  /// How many from the front hold `wanted` bytes, 1 to `byteCount`.
  @inline(__always) func buffersNeeded(_ wanted: Int) -> Int {
    var held = self[0].byteCount
    var count = 1
    while held < wanted {
      held &+= self[count].byteCount
      count &+= 1
    }
    return count
  }

  @inline(__always) mutating func append(_ buffer: Buffer) {
    ring[place(count)] = buffer
    count &+= 1
    byteCount &+= buffer.byteCount
  }

  @inline(__always) mutating func removeFirst() {
    byteCount &-= ring[first].byteCount
    count &-= 1
    // Begins anew where it can: a few records that stay in the cache, in place of a walk through all of them.
    first = count == 0 ? 0 : place(1)
  }

  @inline(__always) private func place(_ position: Int) -> Int {
    let index = first &+ position
    return index >= ring.count ? index &- ring.count : index
  }
}
