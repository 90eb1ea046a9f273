package import LinkCore

/// A TCP or UDP packet as a stack makes it that leaves checksums and segmentation to others, written the plain way.
package struct InternetPacket: Sendable {
  package var isIPv6 = false
  package var isTCP = true
  package var linkHeader: [UInt8] = []
  /// Options of IPv4, a multiple of four bytes.
  package var networkOptions: [UInt8] = []
  /// Headers of IPv6 before the transport: their types, and what follows the type of the next.
  package var extensions: [(type: UInt8, body: [UInt8])] = []
  /// A multiple of four bytes.
  package var tcpOptions: [UInt8] = []
  package var identification: UInt16 = 0
  package var sequence: UInt32 = 0
  /// Of TCP. ACK.
  package var flags: UInt8 = 0x10
  package var urgentPointer: UInt16 = 0
  package var payload: [UInt8] = []
  package var sourcePort: UInt16 = 4321

  package init() {}

  /// 14 bytes, behind which follow VLAN tags.
  package static func ethernet(isIPv6: Bool, tags: [UInt16] = []) -> [UInt8] {
    let type: [UInt8] = isIPv6 ? [0x86, 0xdd] : [8, 0]
    return [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1] + tags.flatMap { [0x81, 0] + bytes($0) } + type
  }

  package static func bytes(_ number: UInt16) -> [UInt8] { [UInt8(number >> 8), UInt8(number & 255)] }
  package static func long(_ number: UInt32) -> [UInt8] { bytes(UInt16(number >> 16)) + bytes(UInt16(number & 0xffff)) }

  private var addresses: [UInt8] {
    isIPv6
      ? [0xfd] + [UInt8](repeating: 0, count: 14) + [1, 0xfd] + [UInt8](repeating: 0, count: 14) + [2]
      : [10, 0, 0, 1, 10, 0, 0, 2]
  }
  private var transportNumber: UInt8 { isTCP ? 6 : 17 }
  private var transportHeaderByteCount: Int { isTCP ? 20 + tcpOptions.count : 8 }
  private var networkHeaderByteCount: Int {
    isIPv6 ? 40 + extensions.reduce(0) { $0 + 1 + $1.body.count } : 20 + networkOptions.count
  }

  private var networkHeader: [UInt8] {
    let rest = transportHeaderByteCount + payload.count
    if isIPv6 {
      let types = extensions.map { $0.type } + [transportNumber]
      let following = zip(types.dropFirst(), extensions).flatMap { [$0] + $1.body }
      return [0x60, 0, 0, 0] + Self.bytes(UInt16(following.count + rest)) + [types[0], 64] + addresses + following
    }
    let length = UInt16(20 + networkOptions.count + rest)
    var header = [UInt8(0x45 + networkOptions.count / 4), 0] + Self.bytes(length) + Self.bytes(identification)
    header += [0x40, 0, 64, transportNumber, 0, 0] + addresses + networkOptions
    header.replaceSubrange(10..<12, with: Self.bytes(~Self.sum(header)))
    return header
  }

  private var transportHeader: [UInt8] {
    let ports = Self.bytes(sourcePort) + Self.bytes(80)
    let pseudo = addresses + Self.long(UInt32(transportHeaderByteCount + payload.count)) + [0, 0, 0, transportNumber]
    let partial = Self.bytes(Self.sum(pseudo))
    if !isTCP { return ports + Self.bytes(UInt16(8 + payload.count)) + partial }
    let length = UInt8((20 + tcpOptions.count) / 4) << 4
    return ports + Self.long(sequence) + [9, 9, 9, 9, length, flags, 1, 0] + partial + Self.bytes(urgentPointer)
      + tcpOptions
  }

  /// The whole frame; in place of its checksum, the sum of the pseudo header.
  package var frame: [UInt8] { linkHeader + networkHeader + transportHeader + payload }

  /// What there is to do to it. The link has `linkHeaderLength` bytes of header; VLAN tags lie behind that.
  package func offload(segmentByteCount: Int, linkHeaderLength: Int) -> PacketOffload {
    var offload = PacketOffload()
    if segmentByteCount > 0 {
      offload.segmentation = isTCP ? (isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4) : .udp
      offload.segmentByteCount = UInt16(segmentByteCount)
    }
    offload.checksum = .needed
    offload.checksumStart = UInt16(linkHeader.count - linkHeaderLength + networkHeaderByteCount)
    offload.checksumOffset = isTCP ? 16 : 6
    return offload
  }

  /// The ones' complement sum, word by word.
  package static func sum(_ bytes: some Collection<UInt8>) -> UInt16 {
    let bytes = Array(bytes)
    var sum: UInt64 = 0
    var index = 0
    // Without the words that a slow build needs for nicer loops: tests sum up many megabytes.
    while index &+ 1 < bytes.count {
      sum &+= UInt64(bytes[index]) &<< 8 | UInt64(bytes[index &+ 1])
      index &+= 2
    }
    if index < bytes.count { sum += UInt64(bytes[index]) << 8 }
    while sum >> 16 != 0 { sum = sum & 0xffff + sum >> 16 }
    return UInt16(sum)
  }
}

extension InternetPacket {
  /// Reads a frame that this type wrote, or a segment of one. Nil: lengths or checksums are not right.
  package init?(_ frame: [UInt8], linkHeaderByteCount: Int, isChecksumPartial: Bool = false) {
    func word(_ at: Int) -> Int { at + 1 < frame.count ? Int(frame[at]) << 8 | Int(frame[at + 1]) : -1 }
    let start = linkHeaderByteCount
    guard frame.count >= start + 28 else { return nil }
    linkHeader = Array(frame[..<start])
    isIPv6 = frame[start] >> 4 == 6
    var at: Int
    var next: UInt8
    var addresses: ArraySlice<UInt8>
    if isIPv6 {
      guard word(start + 4) == frame.count - start - 40 else { return nil }
      (next, at, addresses) = (frame[start + 6], start + 40, frame[start + 8..<start + 40])
      while next == 0 || next == 60 || next == 43 {
        let end = at + 8 * (Int(frame[at + 1]) + 1)
        extensions.append((next, Array(frame[at + 1..<end])))
        (next, at) = (frame[at], end)
      }
    } else {
      at = start + 4 * Int(frame[start] & 15)
      guard word(start + 2) == frame.count - start, Self.sum(frame[start..<at]) == 0xffff else { return nil }
      (next, addresses) = (frame[start + 9], frame[start + 12..<start + 20])
      networkOptions = Array(frame[start + 20..<at])
      identification = UInt16(word(start + 4))
    }
    let pseudo = addresses + Self.long(UInt32(frame.count - at)) + [0, 0, 0, next]
    isTCP = next == 6
    let field = at + (isTCP ? 16 : 6)
    let isRight =
      isChecksumPartial
      ? word(field) == Int(Self.sum(pseudo)) : Self.sum(pseudo + frame[at...]) == 0xffff && (isTCP || word(field) != 0)
    guard isRight, isTCP || next == 17 else { return nil }
    sourcePort = UInt16(word(at))
    if isTCP {
      sequence = UInt32(word(at + 4)) << 16 | UInt32(word(at + 6))
      flags = frame[at + 13]
      urgentPointer = UInt16(word(at + 18))
      let end = at + 4 * Int(frame[at + 12] >> 4)
      tcpOptions = Array(frame[at + 20..<end])
      payload = Array(frame[end...])
    } else {
      guard word(at + 4) == frame.count - at else { return nil }
      payload = Array(frame[(at + 8)...])
    }
  }
}
