public import CLinkShims
import Glibc

/// A row of messages that one system call moves, each of one part, or of a head and one part. `sendmmsg(2)`, `recvmmsg(2)`.
@safe @usableFromInline package struct MessageRow: ~Copyable, @unchecked Sendable {
  @usableFromInline let headers: UnsafeMutablePointer<link_mmsghdr>
  /// Those of message `index` end at `(index + 1) * partCount`.
  @usableFromInline let parts: UnsafeMutablePointer<iovec>
  @usableFromInline let partCount: Int
  /// The heads, one behind the other; nil: there are none.
  private let heads: UnsafeMutablePointer<UInt8>?
  private let headByteCount: Int
  /// Room for what a packet socket says of each message; nil where nobody asks.
  @usableFromInline let control: UnsafeMutableRawPointer?
  @usableFromInline package let capacity: Int

  /// The bytes of records that one message takes in a call.
  package static func recordByteCount(hasHeads: Bool) -> Int {
    // SAFETY: sizes only.
    unsafe MemoryLayout<link_mmsghdr>.size + (hasHeads ? 2 : 1) * MemoryLayout<iovec>.size
  }
  private static var controlByteCount: Int { link_cmsg_space(MemoryLayout<tpacket_auxdata>.size) }

  /// `hasAuxiliaryData`: of a packet socket that was told to send it along (`PACKET_AUXDATA`). `headByteCount`: so many bytes
  /// of this row precede each part.
  package init(capacity: Int, hasAuxiliaryData: Bool = false, headByteCount: Int = 0) {
    self.capacity = capacity
    self.headByteCount = headByteCount
    partCount = headByteCount == 0 ? 1 : 2
    // SAFETY: `capacity` of each; every record is initialised here, and each header points at its own part and, if there
    // is any, its own control area for good.
    unsafe headers = .allocate(capacity: capacity)
    unsafe parts = .allocate(capacity: capacity * partCount)
    unsafe parts.initialize(repeating: iovec(), count: capacity * partCount)
    unsafe heads = headByteCount == 0 ? nil : .allocate(capacity: capacity * headByteCount)
    unsafe heads?.initialize(repeating: 0, count: capacity * headByteCount)
    unsafe headers.initialize(repeating: link_mmsghdr(), count: capacity)
    unsafe control =
      hasAuxiliaryData ? .allocate(byteCount: capacity * Self.controlByteCount, alignment: 16) : nil
    for index in 0..<capacity {
      unsafe headers[index].header.msg_iov = parts + index * partCount
      unsafe headers[index].header.msg_iovlen = partCount
      if let heads = unsafe heads {
        unsafe parts[index * partCount] = unsafe iovec(iov_base: heads + index * headByteCount, iov_len: headByteCount)
      }
      unsafe headers[index].header.msg_control = control.map { unsafe $0 + index * Self.controlByteCount }
    }
  }

  deinit {
    // SAFETY: allocated by init; the records are trivial.
    unsafe headers.deallocate()
    unsafe parts.deallocate()
    unsafe heads?.deallocate()
    unsafe control?.deallocate()
  }

  /// Says where message `index` lies, or goes to: `byteCount` bytes, valid until the call.
  @unsafe @inlinable @inline(__always)
  package mutating func set(_ index: Int, _ start: UnsafeRawPointer?, byteCount: Int) {
    precondition(index >= 0 && index < capacity)
    // SAFETY: checked above; sending does not write to a part.
    unsafe parts[index &* partCount &+ partCount &- 1] = unsafe iovec(
      iov_base: UnsafeMutableRawPointer(mutating: start), iov_len: byteCount)
  }

  /// The bytes that message `index` was given to lie in.
  @inlinable @inline(__always) package func room(of index: Int) -> Int {
    precondition(index >= 0 && index < capacity)
    // SAFETY: checked above.
    return unsafe parts[index &* partCount &+ partCount &- 1].iov_len
  }

  /// Lends the head of message `index`, to be written. Traps in a row without heads.
  package mutating func setHead(_ index: Int, _ body: (inout MutableSpan<UInt8>) -> Void) {
    precondition(index >= 0 && index < capacity && headByteCount > 0)
    // SAFETY: checked above; as many bytes are initialised, and this row's alone.
    var head = unsafe MutableSpan(_unsafeStart: heads! + index * headByteCount, count: headByteCount)
    body(&head)
  }

  /// Sends the first `count` messages as far as there is room. Returns how many went, or minus errno if none did; a peer
  /// that is gone is an error, never SIGPIPE.
  @unsafe package mutating func send(_ descriptor: CInt, count: Int) -> Int {
    precondition(count <= capacity)
    let flags = LINK_MSG_NOSIGNAL | LINK_MSG_DONTWAIT
    // SAFETY: the caller has set the first `count` parts.
    return dataCall { unsafe Int(link_sendmmsg(descriptor, headers, UInt32(count), flags)) }
  }

  /// Receives up to `count` messages. Returns how many came, or minus errno if none did.
  @unsafe package mutating func receive(_ descriptor: CInt, count: Int) -> Int {
    precondition(count <= capacity)
    // With MSG_TRUNC a message's size is its own, not that of its part.
    let flags = LINK_MSG_DONTWAIT | LINK_MSG_TRUNC
    // SAFETY: the kernel has left in the header how much of the area it used.
    if unsafe control != nil {
      for index in 0..<count { unsafe headers[index].header.msg_controllen = Self.controlByteCount }
    }
    // SAFETY: the caller has set the first `count` parts.
    return dataCall { unsafe Int(link_recvmmsg(descriptor, headers, UInt32(count), flags)) }
  }

  /// The whole size of a received message, which may be larger than its part.
  @inlinable @inline(__always) package func byteCount(of index: Int) -> Int {
    precondition(index >= 0 && index < capacity)
    // SAFETY: checked above, and initialised.
    return unsafe Int(headers[index].byte_count)
  }

  /// The VLAN tag that the kernel took out of a received frame.
  @inlinable @inline(__always) package func vlanTag(of index: Int) -> VLANTag? {
    precondition(index >= 0 && index < capacity)
    // SAFETY: checked above. The kernel wrote the control area; a payload is read only if its header says it is there.
    return unsafe control == nil ? nil : Self.findTag(&headers[index].header)
  }

  @inlinable @inline(__always) static func findTag(_ message: inout msghdr) -> VLANTag? {
    // SAFETY: as above.
    var next = unsafe link_cmsg_first(&message)
    while let header = unsafe next {
      if unsafe header.pointee.cmsg_level == SOL_PACKET && header.pointee.cmsg_type == PACKET_AUXDATA
        && header.pointee.cmsg_len >= link_cmsg_len(MemoryLayout<tpacket_auxdata>.size)
      {
        let data = unsafe UnsafeRawPointer(link_cmsg_data(header)!).loadUnaligned(as: tpacket_auxdata.self)
        return VLANTag(status: data.tp_status, information: data.tp_vlan_tci, protocol: data.tp_vlan_tpid)
      }
      unsafe next = link_cmsg_next(&message, header)
    }
    return nil
  }
}

/// A VLAN tag as it stands in a frame: its protocol (0x8100, 0x88a8) and its 16 bits of priority and number.
@usableFromInline package struct VLANTag: Equatable, Sendable {
  @usableFromInline package let `protocol`: UInt16
  @usableFromInline package let information: UInt16

  /// As the kernel reports it beside a frame; nil: there was none.
  @inlinable @inline(__always) package init?(status: UInt32, information: UInt16, protocol: UInt16) {
    if status & UInt32(TP_STATUS_VLAN_VALID) == 0 { return nil }
    self.information = information
    self.protocol = status & UInt32(TP_STATUS_VLAN_TPID_VALID) != 0 ? `protocol` : 0x8100
  }
}
