import Glibc
import LinkCore
import LinkSystem

/// The ping of RFC 792 and RFC 4443, as far as it shows that a path works.
enum ICMPEcho {
  /// Whether the address answers three times within the deadline.
  static func answers(
    _ address: InternetSocket.Address, _ watch: Watch, until deadline: UInt64
  ) throws(Failure) -> Bool {
    let socket: OwnedDescriptor
    do { socket = try InternetSocket.icmp(to: address) } catch {
      throw Failure(.missing, "ping: \(error); it takes root")
    }
    var replies = 0
    var sequence: UInt16 = 0
    while replies < 3, monotonicNanoseconds() < deadline {
      sequence &+= 1
      let request = makeRequest(sequence, isIPv6: address.isIPv6)
      // A path that is not there yet refuses: the next one may pass.
      _ = InternetSocket.send(socket, request.span)
      let patience = min(moment(after: .milliseconds(500)), deadline)
      if try awaitReply(socket, sequence, isIPv6: address.isIPv6, watch, until: patience) { replies += 1 }
    }
    return replies == 3
  }

  private static func awaitReply(
    _ socket: borrowing OwnedDescriptor, _ sequence: UInt16, isIPv6: Bool, _ watch: Watch, until deadline: UInt64
  ) throws(Failure) -> Bool {
    var buffer = [UInt8](repeating: 0, count: 2048)
    while true {
      switch watch.wait(socket.number, until: deadline) {
      case .signal: throw Failure(.unverified, "ended by a signal")
      case .timedOut: return false
      case .ready: break
      }
      var room = buffer.mutableSpan
      let count = InternetSocket.receive(socket, into: &room)
      guard count > 0 else { continue }
      if isReply(buffer[..<count], sequence, isIPv6: isIPv6) { return true }
    }
  }

  /// The identifier tells our requests from a stranger's: there is none in a namespace of our own.
  private static let identifier: UInt16 = 0x7368

  private static func makeRequest(_ sequence: UInt16, isIPv6: Bool) -> [UInt8] {
    var bytes: [UInt8] = [isIPv6 ? 128 : 8, 0, 0, 0]
    for word in [identifier, sequence] { bytes += [UInt8(word >> 8), UInt8(word & 0xff)] }
    bytes += (0..<56).map { UInt8($0) }
    if !isIPv6 {
      let sum = InternetChecksum.of(bytes)
      bytes[2] = UInt8(sum >> 8)
      bytes[3] = UInt8(sum & 0xff)
    }
    return bytes
  }

  private static func isReply(_ packet: ArraySlice<UInt8>, _ sequence: UInt16, isIPv6: Bool) -> Bool {
    let header = isIPv6 ? 0 : Int(packet[0] & 15) * 4
    let message = Array(packet.dropFirst(header))
    guard message.count == 64, message[0] == (isIPv6 ? 129 : 0) else { return false }
    return message[4...7].elementsEqual(makeRequest(sequence, isIPv6: isIPv6)[4...7])
  }
}

/// The checksum of RFC 1071.
enum InternetChecksum {
  static func of(_ bytes: [UInt8]) -> UInt16 {
    var sum: UInt32 = 0
    for index in stride(from: 0, to: bytes.count, by: 2) {
      sum += (UInt32(bytes[index]) << 8) + (index + 1 < bytes.count ? UInt32(bytes[index + 1]) : 0)
    }
    while sum > 0xffff { sum = (sum & 0xffff) + (sum >> 16) }
    return ~UInt16(sum)
  }
}
