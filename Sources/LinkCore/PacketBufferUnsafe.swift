/// One packet: bytes in a chunk of a pool, with headroom in front and tailroom behind. It owns the chunk, and gives it
/// back when it goes out of scope; nothing is counted or allocated.
///
/// A frame is the link header, if there is one, and the network layer behind it. `withBytes` shows the network layer,
/// `withFrame` everything.
@safe @frozen public struct PacketBuffer: ~Copyable, @unchecked Sendable {
  @usableFromInline let base: UnsafeMutableRawPointer
  @usableFromInline let capacity: UInt32
  @usableFromInline var start: UInt32
  @usableFromInline var end: UInt32
  @usableFromInline var header: UInt32

  /// Headroom of a fresh packet: an Ethernet header, an IPv6 header and a TCP header with options fit.
  @inlinable public static var defaultHeadroom: Int { 128 }

  @unsafe @inline(__always) init(base: UnsafeMutableRawPointer, capacity: Int, headroom: Int) {
    // SAFETY: the pool gives each chunk to one packet, with its true size.
    unsafe self.base = base
    self.capacity = UInt32(truncatingIfNeeded: capacity)
    start = UInt32(truncatingIfNeeded: headroom)
    end = start
    header = 0
  }

  // SAFETY: a packet is the only owner of its chunk.
  @inlinable deinit { unsafe giveBack(base) }

  // MARK: Sizes, in bytes

  /// The network layer: the frame without its link header.
  @inlinable public var byteCount: Int { @inline(__always) get { Int(end &- start &- header) } }
  /// The whole frame.
  @inlinable public var frameByteCount: Int { @inline(__always) get { Int(end &- start) } }
  /// The link header in front; 0 without one.
  @inlinable public var linkHeaderLength: Int { @inline(__always) get { Int(header) } }
  /// Free in front of the frame.
  @inlinable public var headroom: Int { @inline(__always) get { Int(start) } }
  /// Free behind it.
  @inlinable public var tailroom: Int { @inline(__always) get { Int(capacity &- end) } }

  /// What is known of the packet besides its bytes.
  @inlinable public var facts: PacketFacts {
    // SAFETY: the head belongs to the packet while the chunk is out.
    @inline(__always) get { unsafe chunkHead(base).pointee.facts }
    @inline(__always) _modify { yield unsafe &chunkHead(base).pointee.facts }
  }

  // MARK: Reading

  /// Lends the network layer.
  @inlinable @inline(__always)
  public func withBytes<R: ~Copyable, E>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    // SAFETY: headroom + header <= end <= capacity always, and the span does not outlive the call.
    try body(unsafe Span(_unsafeStart: address(start &+ header), count: byteCount))
  }

  /// Lends the whole frame.
  @inlinable @inline(__always)
  public func withFrame<R: ~Copyable, E>(_ body: (Span<UInt8>) throws(E) -> R) throws(E) -> R {
    // SAFETY: as above.
    try body(unsafe Span(_unsafeStart: address(start), count: frameByteCount))
  }

  // MARK: Writing

  /// Lends the network layer for writing.
  @inlinable @inline(__always)
  public mutating func withMutableBytes<R: ~Copyable, E>(_ body: (inout MutableSpan<UInt8>) throws(E) -> R) throws(E)
    -> R
  {
    // SAFETY: as above; `mutating` makes the access exclusive.
    var span = unsafe MutableSpan(_unsafeStart: address(start &+ header), count: byteCount)
    return try body(&span)
  }

  /// Grows the packet by `count` bytes in front, which `body` writes. A network or transport header: link headers are
  /// `addHeader`'s. Traps without the headroom, or in front of a link header.
  @inlinable @inline(__always)
  public mutating func prepend<R: ~Copyable, E>(
    _ count: Int, _ body: (inout MutableSpan<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    precondition(count >= 0 && count <= Int(start), "not enough headroom")
    precondition(header == 0, "packet has a link header in front")
    start &-= UInt32(truncatingIfNeeded: count)
    // SAFETY: the new front is within the chunk, checked above.
    var span = unsafe MutableSpan(_unsafeStart: address(start), count: count)
    return try body(&span)
  }

  /// Grows the packet by `count` bytes at its end, which `body` writes. Traps without the tailroom.
  @inlinable @inline(__always)
  public mutating func append<R: ~Copyable, E>(
    _ count: Int, _ body: (inout MutableSpan<UInt8>) throws(E) -> R
  ) throws(E) -> R {
    precondition(count >= 0 && count <= Int(capacity &- end), "not enough tailroom")
    // SAFETY: the new end is within the chunk, checked above.
    var span = unsafe MutableSpan(_unsafeStart: address(end), count: count)
    end &+= UInt32(truncatingIfNeeded: count)
    return try body(&span)
  }

  /// Cuts the network layer down to its first `byteCount` bytes; longer than it is changes nothing.
  @inlinable public mutating func trim(toByteCount byteCount: Int) {
    precondition(byteCount >= 0, "negative size")
    if byteCount < self.byteCount { end = start &+ header &+ UInt32(truncatingIfNeeded: byteCount) }
  }

  /// Empties the packet, sets its headroom and forgets its facts. Traps when the headroom is larger than the chunk.
  @inlinable @inline(__always) public mutating func reset(headroom: Int = PacketBuffer.defaultHeadroom) {
    precondition(headroom >= 0 && headroom <= Int(capacity), "headroom larger than the chunk")
    start = UInt32(truncatingIfNeeded: headroom)
    end = start
    header = 0
    facts = PacketFacts()
  }

  // MARK: Link headers

  /// Says that the first `count` bytes of the frame are its link header. Traps when the frame is shorter.
  @inlinable public mutating func markLinkHeader(_ count: Int) {
    precondition(count >= 0 && count <= frameByteCount, "frame shorter than its link header")
    header = UInt32(truncatingIfNeeded: count)
  }

  /// Says that the frame has no link header: all of it is network layer.
  @inlinable public mutating func unmarkLinkHeader() { header = 0 }

  /// Takes the link header off.
  @inlinable public mutating func removeLinkHeader() {
    start &+= header
    header = 0
  }

  /// Puts a link header of `count` bytes, which `body` writes, in front.
  @inlinable public mutating func prependLinkHeader(_ count: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
    prepend(count, body)
    header = UInt32(truncatingIfNeeded: count)
  }

  // MARK: For the links

  @unsafe @inlinable @inline(__always) func address(_ offset: UInt32) -> UnsafeMutablePointer<UInt8> {
    // SAFETY: callers stay within `capacity`; chunks are raw bytes.
    unsafe (base + Int(offset)).assumingMemoryBound(to: UInt8.self)
  }

  /// The frame's bytes as they lie in memory, valid while the packet is borrowed.
  @unsafe @inlinable package var frameBytes: UnsafeRawBufferPointer {
    // SAFETY: as `withFrame`.
    @inline(__always) get { unsafe UnsafeRawBufferPointer(start: base + Int(start), count: frameByteCount) }
  }

  /// The same, for writing.
  @unsafe @inlinable package var mutableFrameBytes: UnsafeMutableRawBufferPointer {
    // SAFETY: as `withFrame`; the caller has the packet `inout`.
    @inline(__always) mutating get {
      unsafe UnsafeMutableRawBufferPointer(start: base + Int(start), count: frameByteCount)
    }
  }

  /// Makes the packet an unread frame of `count` bytes behind this headroom, and returns where its bytes go. Nil, and
  /// nothing changed, if the chunk is too small.
  @unsafe @inlinable @inline(__always)
  package mutating func prepareFrame(
    _ count: Int, headroom: Int = PacketBuffer.defaultHeadroom
  ) -> UnsafeMutableRawPointer? {
    if count < 0 || headroom &+ count > Int(capacity) { return nil }
    start = UInt32(truncatingIfNeeded: headroom)
    end = UInt32(truncatingIfNeeded: headroom &+ count)
    header = 0
    facts = PacketFacts()
    // SAFETY: `headroom` is within the chunk, checked above.
    return unsafe base + headroom
  }

  /// The same, for a caller that fills it by other means.
  @inlinable @inline(__always)
  package mutating func beginFrame(_ count: Int, headroom: Int = PacketBuffer.defaultHeadroom) -> Bool {
    // SAFETY: the address is not used.
    unsafe prepareFrame(count, headroom: headroom) != nil
  }
}
