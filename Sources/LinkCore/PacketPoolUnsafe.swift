/// A fixed number of equal chunks, each of which can be one packet. All memory is reserved when the pool is made; taking
/// and giving back allocate nothing. When the pool is empty its users wait or go without: it never grows.
///
/// Packets may outlive the pool object; the memory goes with the last of them.
@safe public final class PacketPool: @unchecked Sendable {
  let core: UnsafeMutablePointer<PoolCore>
  /// Bytes in a chunk: headroom, packet and tailroom together.
  public let chunkByteCount: Int
  /// How many chunks there are, at home or out.
  public let capacity: Int

  /// `chunkByteCount`: 64 or more; `capacity`: 1 or more. Both are the program's own choice: anything else traps.
  public init(chunkByteCount: Int, capacity: Int) {
    precondition(chunkByteCount >= 64 && chunkByteCount <= 1 << 24, "a chunk has 64 bytes to 16 MiB")
    precondition(capacity >= 1, "a pool has at least one chunk")
    self.chunkByteCount = chunkByteCount
    self.capacity = capacity
    // SAFETY: the core lives until `retire`.
    unsafe core = PoolCore.make(chunkByteCount: chunkByteCount, chunkCount: capacity)
  }

  /// A pool for packets of up to `frameByteCount` bytes, link header included, with the default headroom.
  public convenience init(frameByteCount: Int, capacity: Int) {
    self.init(chunkByteCount: PacketBuffer.defaultHeadroom + max(frameByteCount, 64), capacity: capacity)
  }

  // SAFETY: no packet of this pool can be taken any more.
  deinit { unsafe PoolCore.retire(core) }

  /// An empty packet with its headroom set; nil when all chunks are out.
  public func makePacket(headroom: Int = PacketBuffer.defaultHeadroom) -> PacketBuffer? {
    precondition(headroom >= 0 && headroom <= chunkByteCount, "headroom larger than the chunk")
    var packet: PacketBuffer?
    // SAFETY: a chunk that was taken is owned by nobody else.
    _ = unsafe core.pointee.take(1) { _, base in
      packet = unsafe PacketBuffer(base: base, capacity: chunkByteCount, headroom: headroom)
    }
    return packet
  }

  /// Fills `count` uninitialised slots from `slots` on, as far as there are chunks. Returns how many it filled.
  @unsafe func fill(_ slots: UnsafeMutablePointer<PacketBuffer>, _ count: Int) -> Int {
    // SAFETY: the caller has room for `count` packets at `slots`; each chunk becomes exactly one of them.
    unsafe core.pointee.take(count) { index, base in
      unsafe (slots + index).initialize(
        to: PacketBuffer(
          base: base, capacity: chunkByteCount, headroom: min(PacketBuffer.defaultHeadroom, chunkByteCount)))
    }
  }

  /// Calls `wake` once, soon after a packet comes home, from the thread that gave it back. Returns false, and will not
  /// call, if there are chunks to take right now.
  public func whenAvailable(_ wake: @escaping @Sendable () -> Void) -> Bool {
    // SAFETY: the core lives as long as self.
    unsafe core.pointee.wait(self, wake)
  }
}
