import CLinkShims
import Glibc

/// The parts of one packet, which one call writes: a head in memory of the row's own, and what lies behind it in other places.
/// `writev(2)`.
@safe package struct PartRow: ~Copyable, @unchecked Sendable {
  private let parts: UnsafeMutablePointer<iovec>
  private let head: UnsafeMutablePointer<UInt8>
  /// How many parts there can be, the head among them.
  package let capacity: Int
  private var count = 0

  /// The most bytes that a head has: a virtio-net header, and those of Ethernet, IPv6, and TCP with all its options.
  package static let headCapacity = 128
  /// The bytes of records that one part takes in a call.
  package static var recordByteCount: Int {
    // SAFETY: a size only.
    unsafe MemoryLayout<iovec>.size
  }

  package init(capacity: Int) {
    precondition(capacity >= 1)
    self.capacity = capacity
    // SAFETY: `capacity` parts and `headCapacity` bytes, all initialised; deinit gives both back.
    unsafe parts = .allocate(capacity: capacity)
    unsafe parts.initialize(repeating: iovec(), count: capacity)
    unsafe head = .allocate(capacity: Self.headCapacity)
    unsafe head.initialize(repeating: 0, count: Self.headCapacity)
  }

  deinit {
    // SAFETY: allocated by init; trivial.
    unsafe parts.deallocate()
    unsafe head.deallocate()
  }

  /// Begins anew, with a head that `body` writes.
  package mutating func begin(headByteCount: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
    precondition(headByteCount >= 0 && headByteCount <= Self.headCapacity)
    // SAFETY: so many bytes are there, and this row's alone.
    var span = unsafe MutableSpan(_unsafeStart: head, count: headByteCount)
    body(&span)
    // SAFETY: there is at least one part.
    unsafe parts[0] = unsafe iovec(iov_base: head, iov_len: headByteCount)
    count = 1
  }

  /// Adds a part: bytes that are valid until the call.
  @unsafe package mutating func append(_ bytes: UnsafeRawBufferPointer) {
    precondition(count < capacity)
    // SAFETY: checked above; writing does not change a part.
    unsafe parts[count] = unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count)
    count += 1
  }

  /// Returns how many bytes went, or minus errno.
  @unsafe package mutating func write(_ descriptor: CInt) -> Int {
    // SAFETY: the caller has kept all parts valid.
    dataCall { unsafe link_writev(descriptor, parts, CInt(count)) }
  }
}
