import CLinkShims
import Glibc

/// One message on a seqpacket socket, with descriptors. `SCM_RIGHTS`, `unix(7)`.
package struct DescriptorMessage: Sendable {
  package var bytes: [UInt8]
  /// Open descriptors that the holder of this message must close; `receive` gives them close-on-exec.
  package var descriptors: [CInt]
  /// The message was longer than the room for it, or carried more descriptors than fitted (the kernel closed the rest).
  package var isTruncated = false

  package init(bytes: [UInt8], descriptors: [CInt] = []) {
    self.bytes = bytes
    self.descriptors = descriptors
  }

  /// The kernel's limit for one message, SCM_MAX_FD.
  private static let mostDescriptors = 253

  /// Sends the message; the descriptors stay the caller's. `sendmsg(2)`.
  package func send(on socket: CInt) throws(SystemError) {
    let flags = LINK_MSG_NOSIGNAL | LINK_MSG_DONTWAIT
    let payloadSize = descriptors.count * MemoryLayout<CInt>.size
    // SAFETY: the message that the closure gets is valid until it returns.
    let result = unsafe Self.withMessage(
      bytes: bytes, controlSize: descriptors.isEmpty ? 0 : link_cmsg_space(payloadSize)
    ) {
      message in
      // SAFETY: the control area has room for one header and the payload; both were sized by the kernel's macros.
      if let header = unsafe link_cmsg_first(&message) {
        unsafe header.pointee.cmsg_level = SOL_SOCKET
        unsafe header.pointee.cmsg_type = CInt(SCM_RIGHTS)
        unsafe header.pointee.cmsg_len = link_cmsg_len(payloadSize)
        unsafe descriptors.withUnsafeBytes {
          unsafe UnsafeMutableRawPointer(link_cmsg_data(header)!).copyMemory(
            from: $0.baseAddress!, byteCount: payloadSize)
        }
      }
      return dataCall { unsafe sendmsg(socket, &message, flags) }
    }.result
    if result < 0 { throw SystemError("sendmsg", CInt(-result)) }
  }

  /// Takes one waiting message, of at most `limit` bytes and with all its descriptors. Nil when none waits; empty
  /// and without descriptors at the end of the connection. `keepsDescriptors` false: those that came are closed by the
  /// kernel before they get a number here, and make the message a truncated one. `recvmsg(2)`.
  package static func receive(
    on socket: CInt, limit: Int, keepsDescriptors: Bool = true
  ) throws(SystemError) -> DescriptorMessage? {
    let flags = LINK_MSG_DONTWAIT | LINK_MSG_CMSG_CLOEXEC
    let room = [UInt8](repeating: 0, count: limit)
    var truncated = false
    var descriptors: [CInt] = []
    // Room for all that the kernel lets a peer send, so that nothing is cut off unseen.
    let controlSize = keepsDescriptors ? link_cmsg_space(mostDescriptors * MemoryLayout<CInt>.size) : 0
    // SAFETY: as in send().
    var (result, bytes) = unsafe withMessage(bytes: room, controlSize: controlSize) { message in
      let result = dataCall { unsafe recvmsg(socket, &message, flags) }
      guard result >= 0 else { return result }
      truncated = unsafe message.msg_flags & (LINK_MSG_TRUNC | LINK_MSG_CTRUNC) != 0
      // SAFETY: the kernel wrote the headers; each payload is read within the length that its header gives.
      var header = unsafe link_cmsg_first(&message)
      while let current = unsafe header {
        if unsafe current.pointee.cmsg_level == SOL_SOCKET && current.pointee.cmsg_type == CInt(SCM_RIGHTS) {
          let payload = unsafe Int(current.pointee.cmsg_len) - Int(link_cmsg_len(0))
          for index in 0..<(payload / MemoryLayout<CInt>.size) {
            unsafe descriptors.append(
              UnsafeRawPointer(link_cmsg_data(current)!).loadUnaligned(fromByteOffset: index * 4, as: CInt.self))
          }
        }
        unsafe header = link_cmsg_next(&message, current)
      }
      return result
    }
    if result == -Int(EAGAIN) { return nil }
    if result < 0 { throw SystemError("recvmsg", CInt(-result)) }
    bytes.removeLast(bytes.count - result)
    var message = DescriptorMessage(bytes: bytes, descriptors: descriptors)
    message.isTruncated = truncated
    return message
  }

  /// Closes every descriptor that came with the message: for a message that is refused.
  package mutating func closeAll() {
    for descriptor in descriptors { _ = close(descriptor) }
    descriptors = []
  }

  /// Runs `body` on a msghdr over a copy of `bytes` and a control area; returns its result and the bytes after it.
  private static func withMessage(
    bytes: [UInt8], controlSize: Int, _ body: (inout msghdr) -> Int
  ) -> (result: Int, bytes: [UInt8]) {
    var bytes = bytes
    // SAFETY: all three areas live until the closures return, and the record has their true sizes. The control area
    // is aligned for its header.
    let result = unsafe bytes.withUnsafeMutableBytes { data in
      unsafe withUnsafeTemporaryAllocation(byteCount: max(controlSize, 1), alignment: 16) { control in
        unsafe control.initializeMemory(as: UInt8.self, repeating: 0)
        var vector = unsafe iovec(iov_base: data.baseAddress, iov_len: data.count)
        return unsafe withUnsafeMutablePointer(to: &vector) { pointer in
          var message = unsafe msghdr()
          unsafe message.msg_iov = pointer
          unsafe message.msg_iovlen = 1
          unsafe message.msg_control = controlSize == 0 ? nil : control.baseAddress
          unsafe message.msg_controllen = controlSize
          return unsafe body(&message)
        }
      }
    }
    return (result, bytes)
  }
}
