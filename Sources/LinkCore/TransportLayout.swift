/// Why a link cannot do to a packet what its facts ask for.
package struct OffloadFailure: Error {
  package let cause: DropCause
}

/// Where the headers of a TCP or UDP packet lie: what they say of themselves, checked against the frame. Offsets in bytes
/// from the start of the frame.
///
/// Fragments have none, nor have packets whose transport header is not the destination's: those with an authentication
/// header, or a route to go on.
package struct TransportLayout: BitwiseCopyable, Sendable {
  package enum Transport: UInt8, BitwiseCopyable, Sendable {
    case tcp = 6
    case udp = 17

    /// Where the checksum lies in the header.
    package var checksumOffset: Int { self == .tcp ? 16 : 6 }
  }

  package let isIPv6: Bool
  package let transport: Transport
  package let networkStart: Int
  package let transportStart: Int
  package let payloadStart: Int
  /// Of the payload. What lies behind it is padding.
  package let payloadEnd: Int

  /// Source and destination in the IP header.
  package var addresses: Range<Int> {
    isIPv6 ? networkStart + 8..<networkStart + 40 : networkStart + 12..<networkStart + 20
  }

  /// Nil: no such packet.
  package init?(_ frame: Span<UInt8>, linkHeaderLength: Int) {
    guard let start = Self.networkStart(frame, linkHeaderLength) else { return nil }
    networkStart = start
    let header: (transport: UInt8, start: Int, end: Int)?
    switch frame[start] >> 4 {
    case 4:
      isIPv6 = false
      header = Self.ipv4(frame, start)
    case 6:
      isIPv6 = true
      header = Self.ipv6(frame, start)
    default: return nil
    }
    guard let header, let transport = Transport(rawValue: header.transport) else { return nil }
    self.transport = transport
    transportStart = header.start
    payloadEnd = header.end
    let count = header.end - header.start
    switch transport {
    case .tcp:
      guard count >= 20 else { return nil }
      let length = 4 * Int(frame[header.start + 12] >> 4)
      guard length >= 20, length <= count else { return nil }
      payloadStart = header.start + length
    case .udp:
      guard count >= 8, Int(frame.word16(at: header.start + 4)) == count else { return nil }
      payloadStart = header.start + 8
    }
  }

  /// Behind the link header and VLAN tags, outer and inner. There is at least one byte.
  private static func networkStart(_ frame: Span<UInt8>, _ linkHeaderLength: Int) -> Int? {
    if linkHeaderLength == EthernetHeader.byteCount, frame.count >= linkHeaderLength {
      let (type, start) = frame.ethernetPayload()
      switch type {
      case .ipv4: guard frame.count > start, frame[start] >> 4 == 4 else { return nil }
      case .ipv6: guard frame.count > start, frame[start] >> 4 == 6 else { return nil }
      default: return nil
      }
      return start
    }
    return linkHeaderLength == 0 && frame.count > 0 ? 0 : nil
  }

  private static func ipv4(_ frame: Span<UInt8>, _ start: Int) -> (UInt8, Int, Int)? {
    guard frame.count >= start + 20 else { return nil }
    let headerLength = 4 * Int(frame[start] & 15)
    let claimedLength = Int(frame.word16(at: start + 2))
    guard headerLength >= 20, claimedLength >= headerLength, claimedLength <= frame.count - start,
      !frame.isFragment(ipv4At: start)
    else { return nil }
    return (frame[start + 9], start + headerLength, start + claimedLength)
  }

  private static func ipv6(_ frame: Span<UInt8>, _ start: Int) -> (UInt8, Int, Int)? {
    guard frame.count >= start + 40 else { return nil }
    let end = start + 40 + Int(frame.word16(at: start + 4))
    guard end <= frame.count else { return nil }
    var next = frame[start + 6]
    var at = start + 40
    for _ in 0..<8 {
      switch next {
      case 0, 43, 60:
        // Hop-by-hop options, routing, destination options.
        guard at + 8 <= end else { return nil }
        // The checksum is about the last address of a route, which is another one while there are some left.
        if next == 43, frame[at + 3] != 0 { return nil }
        (next, at) = (frame[at], at + 8 * (Int(frame[at + 1]) + 1))
      default: return at <= end ? (next, at, end) : nil
      }
    }
    return nil
  }
}
