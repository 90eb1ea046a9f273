import CLinkShims
import Glibc

extension NetworkDevice {
  /// Deletes the interface, whoever has it open. `rtnetlink(7)`, RTM_DELLINK.
  package static func delete(_ name: String) throws(SystemError) {
    let label = "rtnetlink(RTM_DELLINK, \(name))"
    // SAFETY: the call reads the name.
    let index = unsafe if_nametoindex(name)
    if index == 0 { throw SystemError(label, errno) }
    let type = LINK_SOCK_RAW | LINK_SOCK_CLOEXEC
    let route = OwnedDescriptor(owning: try systemCall("socket(AF_NETLINK)") { socket(AF_NETLINK, type, 0) })
    // struct nlmsghdr, then struct ifinfomsg, both 16 bytes, as 32-bit words in host order. Flags: request, acknowledge.
    let deleteLink: UInt32 = 17
    var words: [8 of UInt32] = [32, deleteLink | (1 | 4) << 16, 1, 0, 0, index, 0, 0]
    var span = words.mutableSpan
    // SAFETY: a live local of 32 bytes, sent and then overwritten within its size.
    let result = unsafe span.withUnsafeMutableBytes { buffer in
      let sent = unsafe PacketIO.send(route.number, UnsafeRawBufferPointer(buffer))
      return sent < 0 ? sent : unsafe PacketIO.read(route.number, buffer)
    }
    // The answer is a header and the errno, negative; 0 acknowledges.
    if result < 20 { throw SystemError(label, result < 0 ? CInt(-result) : EIO) }
    let answer = CInt(bitPattern: words[4])
    if answer != 0 { throw SystemError(label, -answer) }
  }
}
