import CLinkShims
import Glibc

/// Packet sockets that share the frames of one interface. `PACKET_FANOUT` of `packet(7)`.
package enum PacketFanout {
  /// By flow, in turn, by processor, to the first that has room, at random, by the interface's queue.
  package enum Mode: Sendable {
    case hash, loadBalance, processor, rollover, random, queueMapping

    fileprivate var number: CInt {
      switch self {
      case .hash: PACKET_FANOUT_HASH
      case .loadBalance: PACKET_FANOUT_LB
      case .processor: PACKET_FANOUT_CPU
      case .rollover: PACKET_FANOUT_ROLLOVER
      case .random: PACKET_FANOUT_RND
      case .queueMapping: PACKET_FANOUT_QM
      }
    }
  }

  /// Joins the sockets to a group of their own, whose id no other process of the network namespace uses.
  /// Fragments are not put together. Returns the id.
  ///
  /// Throws EALREADY if a socket is in a group, EINVAL from kernels before 6.13 while the interface is down.
  package static func join(_ numbers: [CInt], _ mode: Mode) throws(SystemError) -> Int {
    guard let first = numbers.first else { return 0 }
    if hasUniqueIDs {
      try set(first, id: 0, PACKET_FANOUT_FLAG_UNIQUEID | mode.number)
    } else {
      // Nobody tells which ids are free: one of 65536.
      try set(first, id: CInt(UInt16.random(in: 1 ... .max)), mode.number)
    }
    guard let id = group(of: first) else { throw SystemError("getsockopt(\(first), PACKET_FANOUT)", errno) }
    for number in numbers.dropFirst() { try set(number, id: CInt(id), mode.number) }
    return id
  }

  /// The id of the group that a packet socket is in; 0 also if it is in none, nil if the kernel does not tell.
  package static func group(of number: CInt) -> Int? {
    var value: UInt32 = 0
    var size = socklen_t(MemoryLayout<UInt32>.size)
    // SAFETY: both are live locals, and `size` says how much room `value` has.
    let result = unsafe getsockopt(number, SOL_PACKET, PACKET_FANOUT, &value, &size)
    if result != 0 { return nil }
    // The mode and the flags are above it.
    return Int(value & 0xffff)
  }

  private static func set(_ number: CInt, id: CInt, _ modeAndFlags: CInt) throws(SystemError) {
    var value = UInt32(modeAndFlags) << 16 | UInt32(id)
    try PacketSocket.setOption(number, PACKET_FANOUT, &value, "PACKET_FANOUT")
  }

  /// Linux 4.12 and later. Before, the flag was no error, and had no meaning.
  private static var hasUniqueIDs: Bool {
    var names = utsname()
    // SAFETY: a live local of the type that uname fills; the release ends with a zero.
    let result = unsafe uname(&names)
    let release = unsafe withUnsafeBytes(of: names.release) { unsafe Array($0.prefix { $0 != 0 }) }
    // Unknown is old: what old kernels are given all kernels take.
    if result != 0 { return false }
    let parts = String(decoding: release, as: UTF8.self).split { !$0.isNumber }.prefix(2).compactMap { Int($0) }
    return parts.count == 2 && (parts[0], parts[1]) >= (4, 12)
  }
}

extension PacketSocket {
  /// Has the kernel throw away all that comes to the socket, or no longer. `SO_ATTACH_FILTER`, `SO_DETACH_FILTER`.
  package static func mute(_ number: CInt, _ isMuted: Bool = true) throws(SystemError) {
    // Keep nothing of any frame.
    var keepNothing = sock_filter(code: UInt16(BPF_RET | BPF_K), jt: 0, jf: 0, k: 0)
    // SAFETY: a size only. The program is one live local, the record that describes it another; to detach takes any value.
    let size = unsafe socklen_t(MemoryLayout<sock_fprog>.size)
    let result = unsafe withUnsafeMutablePointer(to: &keepNothing) { filter in
      var program = unsafe sock_fprog(len: 1, filter: filter)
      return unsafe setsockopt(number, SOL_SOCKET, isMuted ? SO_ATTACH_FILTER : SO_DETACH_FILTER, &program, size)
    }
    if result != 0 { throw SystemError("setsockopt(\(number), SO_ATTACH_FILTER)", errno) }
  }
}
