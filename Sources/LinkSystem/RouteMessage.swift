import CLinkShims
import Glibc

/// Requests to the kernel's interface tables, built byte by byte. `rtnetlink(7)`.
struct RouteMessage {
  // Message types and flags of linux/rtnetlink.h and linux/netlink.h.
  static let newLink: UInt16 = 16
  static let deleteLink: UInt16 = 17
  private static let requestAndAcknowledge: UInt16 = 1 | 4
  static let createExclusively: UInt16 = 0x400 | 0x200

  private var bytes: [UInt8] = []
  private let label: String

  /// Of the kind `type`, about the interface `index`; 0: about none yet.
  init(_ type: UInt16, flags: UInt16 = 0, index: UInt32, label: String) {
    self.label = label
    // struct nlmsghdr; its length comes last.
    append(UInt32(0))
    append(UInt32(type) | UInt32(Self.requestAndAcknowledge | flags) << 16)
    append(UInt32(1))
    append(UInt32(0))
    appendInterface(index)
  }

  /// `struct ifinfomsg`.
  private mutating func appendInterface(_ index: UInt32) {
    append(UInt32(0))
    append(index)
    append(UInt32(0))
    append(UInt32(0))
  }

  private mutating func append(_ word: UInt32) {
    for shift in stride(from: 0, to: 32, by: 8) { bytes.append(UInt8(truncatingIfNeeded: word.littleEndian >> shift)) }
  }

  /// Adds an attribute with `content`.
  mutating func append(attribute: UInt16, _ content: [UInt8]) {
    append(attribute: attribute) { $0.bytes += content }
  }

  /// Adds an attribute that `body` fills; `hasInterface`: behind an interface record.
  mutating func append(attribute: UInt16, hasInterface: Bool = false, _ body: (inout RouteMessage) -> Void) {
    let start = bytes.count
    append(UInt32(attribute) << 16)
    if hasInterface { appendInterface(0) }
    body(&self)
    let byteCount = bytes.count - start
    bytes[start] = UInt8(truncatingIfNeeded: byteCount)
    bytes[start + 1] = UInt8(truncatingIfNeeded: byteCount >> 8)
    while bytes.count % 4 != 0 { bytes.append(0) }
  }

  /// Sends it and waits for the kernel's answer.
  consuming func send() throws(SystemError) {
    for index in 0..<4 { bytes[index] = UInt8(truncatingIfNeeded: bytes.count >> (8 * index)) }
    let type = LINK_SOCK_RAW | LINK_SOCK_CLOEXEC
    let route = OwnedDescriptor(owning: try systemCall("socket(AF_NETLINK)") { socket(AF_NETLINK, type, 0) })
    var answer = [UInt8](repeating: 0, count: 1024)
    // SAFETY: both arrays' storage is valid during the calls, and their sizes are passed.
    let result = unsafe bytes.withUnsafeBytes { request in
      let sent = unsafe PacketIO.send(route.number, request)
      return unsafe sent < 0
        ? sent : answer.withUnsafeMutableBytes { unsafe PacketIO.read(route.number, $0) }
    }
    // The answer is a header of 16 bytes and the errno, negative; 0 acknowledges.
    if result < 20 { throw SystemError(label, result < 0 ? CInt(-result) : EIO) }
    let error = (0..<4).reduce(UInt32(0)) { $0 | UInt32(answer[16 + $1]) << (8 * UInt32($1)) }
    if error != 0 { throw SystemError(label, -CInt(bitPattern: error)) }
  }
}
