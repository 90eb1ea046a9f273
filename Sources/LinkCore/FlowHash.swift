/// A hash of what tells a flow from others, so that its packets stay in order on whatever queue it chooses: the addresses,
/// the protocol and, for TCP, UDP, UDP-Lite, SCTP and DCCP, the ports. Fragments have no ports but in the first of them: all
/// hash by their addresses. Frames without IP hash by their link addresses.
///
/// It reads at most a few headers, whatever they say.
package struct FlowHash {
  private var state: UInt32 = 0x9e37_79b9

  /// `headerLength`: of the link header in front, 0 or 14 bytes.
  package static func of(_ frame: Span<UInt8>, headerLength: Int) -> UInt32 {
    var hash = FlowHash()
    hash.addFrame(frame, headerLength)
    return hash.result
  }

  private mutating func addFrame(_ frame: Span<UInt8>, _ headerLength: Int) {
    var offset = headerLength
    guard frame.count > offset else { return }
    var type = EtherType(ofIPPacketStartingWith: frame[offset])
    if headerLength == EthernetHeader.byteCount {
      (type, offset) = frame.ethernetPayload()
    }
    switch type {
    case .ipv4 where frame.count >= offset + 20: addIPv4(frame, offset)
    case .ipv6 where frame.count >= offset + 40: addIPv6(frame, offset)
    default: if headerLength == EthernetHeader.byteCount { add(frame, 0, wordCount: 3) }
    }
  }

  private mutating func addIPv4(_ bytes: Span<UInt8>, _ offset: Int) {
    add(bytes, offset + 12, wordCount: 2)
    if bytes.isFragment(ipv4At: offset) { return }
    addPorts(bytes, offset + 4 * Int(bytes[offset] & 15), of: bytes[offset + 9])
  }

  private mutating func addIPv6(_ bytes: Span<UInt8>, _ offset: Int) {
    add(bytes, offset + 8, wordCount: 8)
    var next = bytes[offset + 6]
    var at = offset + 40
    for _ in 0..<8 {
      switch next {
      case 0, 43, 60, 51:
        // Hop-by-hop and destination options, routing; authentication counts its length otherwise.
        guard bytes.count >= at + 2 else { return }
        let length = Int(bytes[at + 1])
        (next, at) = (bytes[at], at + (next == 51 ? 4 * (length + 2) : 8 * (length + 1)))
      case 44: return
      default: return addPorts(bytes, at, of: next)
      }
    }
  }

  private mutating func addPorts(_ bytes: Span<UInt8>, _ offset: Int, of transport: UInt8) {
    add(UInt32(transport))
    switch transport {
    case 6, 17, 33, 132, 136: if bytes.count >= offset + 4 { add(bytes, offset, wordCount: 1) }
    default: break
    }
  }

  private mutating func add(_ bytes: Span<UInt8>, _ offset: Int, wordCount: Int) {
    for index in 0..<wordCount {
      let at = offset + 4 * index
      add(UInt32(bytes.word16(at: at)) << 16 | UInt32(bytes.word16(at: at + 2)))
    }
  }

  // Murmur's mixing of 32 bits: every bit of a word reaches every bit of the result.
  private mutating func add(_ word: UInt32) {
    let scrambled = (word &* 0xcc9e_2d51).rotated(15) &* 0x1b87_3593
    state = (state ^ scrambled).rotated(13) &* 5 &+ 0xe654_6b64
  }

  private var result: UInt32 {
    var bits = state
    bits = (bits ^ bits >> 16) &* 0x85eb_ca6b
    bits = (bits ^ bits >> 13) &* 0xc2b2_ae35
    return bits ^ bits >> 16
  }
}

extension UInt32 {
  fileprivate func rotated(_ count: UInt32) -> UInt32 { self << count | self >> (32 - count) }
}

extension PacketBuffer {
  /// The packet's flow hash: the one that it brings, or one computed. `headerLength`: of the link's frames.
  package func flowHash(headerLength: Int) -> UInt32 {
    let known = facts.flowHash
    return known != 0 ? known : withFrame { FlowHash.of($0, headerLength: headerLength) }
  }
}
