import CLinkShims
import Glibc

/// The data path's plain calls: one packet each. All return a byte count, or minus errno; none blocks on a
/// non-blocking descriptor.
package enum PacketIO {
  /// Reads one packet into `buffer`. `read(2)`.
  @unsafe package static func read(_ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer) -> Int {
    // SAFETY: the caller's buffer has the size it says.
    dataCall { unsafe link_read(descriptor, buffer.baseAddress, buffer.count) }
  }

  /// Reads one packet into `buffer`, and one byte more: a result above `buffer.count` says that the packet is longer than
  /// that. `hasSpareByte`: the byte behind the buffer may be written; else the one more goes nowhere. `readv(2)`.
  @unsafe package static func readNoticingMore(
    _ descriptor: CInt, _ buffer: UnsafeMutableRawBufferPointer, hasSpareByte: Bool
  ) -> Int {
    // SAFETY: the caller's buffer has the size it says, and a byte more if it says so.
    if hasSpareByte {
      var part = unsafe iovec(iov_base: buffer.baseAddress, iov_len: buffer.count + 1)
      return unsafe withUnsafePointer(to: &part) { part in dataCall { unsafe link_readv(descriptor, part, 1) } }
    }
    var excess: UInt8 = 0
    // SAFETY: as above. The second part is a live local of one byte, and the vector lives until the call returns.
    return unsafe withUnsafeMutablePointer(to: &excess) { excess in
      var parts: [2 of iovec] = unsafe [
        iovec(iov_base: buffer.baseAddress, iov_len: buffer.count), iovec(iov_base: excess, iov_len: 1),
      ]
      var span = unsafe parts.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { parts in
        dataCall { unsafe link_readv(descriptor, parts.baseAddress, 2) }
      }
    }
  }

  /// Writes one packet. `write(2)`.
  @unsafe package static func write(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    // SAFETY: as above.
    dataCall { unsafe link_write(descriptor, bytes.baseAddress, bytes.count) }
  }

  /// Writes one packet behind the first `headByteCount` bytes of `head`, which it does not count. `writev(2)`.
  @unsafe package static func write(
    _ descriptor: CInt, head: inout InlineArray<12, UInt8>, headByteCount: Int, _ bytes: UnsafeRawBufferPointer
  ) -> Int {
    precondition(headByteCount <= 12)
    var span = head.mutableSpan
    // SAFETY: as above; the head lives until the call returns, and writing does not change a part.
    let result = unsafe span.withUnsafeMutableBufferPointer { head in
      var parts: [2 of iovec] = unsafe [
        iovec(iov_base: head.baseAddress, iov_len: headByteCount),
        iovec(iov_base: UnsafeMutableRawPointer(mutating: bytes.baseAddress), iov_len: bytes.count),
      ]
      var span = unsafe parts.mutableSpan
      return unsafe span.withUnsafeMutableBufferPointer { parts in
        dataCall { unsafe link_writev(descriptor, parts.baseAddress, 2) }
      }
    }
    return result < 0 ? result : result - headByteCount
  }

  /// Sends one packet on a socket; a peer that is gone is an error, never SIGPIPE. `send(2)`.
  @unsafe package static func send(_ descriptor: CInt, _ bytes: UnsafeRawBufferPointer) -> Int {
    let flags = LINK_MSG_NOSIGNAL | LINK_MSG_DONTWAIT
    // SAFETY: as above.
    return dataCall { unsafe link_send(descriptor, bytes.baseAddress, bytes.count, flags) }
  }

  /// Throws away what waits on a socket's error queue, at most `limit` reports. Returns how many there were.
  package static func discardErrors(_ descriptor: CInt, limit: Int) -> Int {
    discardInput(descriptor, limit: limit, flags: LINK_MSG_ERRQUEUE)
  }

  /// Reads and throws away what waits on a socket, at most `limit` messages. Returns how many there were.
  package static func discardInput(_ descriptor: CInt, limit: Int, flags: CInt = 0) -> Int {
    var sink = InlineArray<256, UInt8>(repeating: 0)
    var span = sink.mutableSpan
    let flags = flags | LINK_MSG_DONTWAIT | LINK_MSG_TRUNC
    var count = 0
    while count < limit {
      // SAFETY: a live local of 256 bytes.
      let result = unsafe span.withUnsafeMutableBufferPointer { buffer in
        dataCall { unsafe recv(descriptor, buffer.baseAddress, buffer.count, flags) }
      }
      // An empty report is one all the same.
      if result < 0 || result == 0 && flags & LINK_MSG_ERRQUEUE == 0 { break }
      count += 1
    }
    return count
  }
}
