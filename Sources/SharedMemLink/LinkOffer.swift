import LinkCore

/// What the maker of a link's queues tells the peer beside the files.
public struct LinkOffer: Equatable, Sendable {
  /// The largest packet in network-layer bytes.
  public var mtu: Int
  /// How the client is to cut the memory.
  public var bufferByteCount: Int
  /// Whether frames have Ethernet headers.
  public var isEthernet: Bool
  /// Whether a virtio-net header precedes each frame.
  public var hasVirtioNetHeader: Bool

  public init(mtu: Int, bufferByteCount: Int = 2048, isEthernet: Bool = false, hasVirtioNetHeader: Bool = false) {
    self.mtu = mtu
    self.bufferByteCount = bufferByteCount
    self.isEthernet = isEthernet
    self.hasVirtioNetHeader = hasVirtioNetHeader
  }
}

/// The two messages of a hand-over, as bytes. Integers are little endian; Documentation/WireFormat.md has the layout.
enum HandOverMessage {
  static let version: UInt16 = 1
  private static let magic: [UInt8] = Array("SWLINK".utf8)

  /// The first message: magic, version, then three 32-bit fields. Ten descriptors come with it.
  static let offerByteCount = 24
  private static let ethernetFlag: UInt32 = 1
  private static let virtioNetHeaderFlag: UInt32 = 2
  static func encode(_ offer: LinkOffer) -> [UInt8] {
    let flags =
      (offer.isEthernet ? ethernetFlag : 0) | (offer.hasVirtioNetHeader ? virtioNetHeaderFlag : 0)
    return magic + bytes(version) + bytes(UInt32(offer.mtu)) + bytes(UInt32(offer.bufferByteCount))
      + bytes(flags) + bytes(UInt32(0))
  }

  /// The answer: magic, version, verdict.
  static let answerByteCount = 12
  enum Verdict: UInt32 {
    case accepted = 0
    case unknownVersion = 1
    case badOffer = 2
    case badDescriptors = 3

    var explanation: String {
      switch self {
      case .accepted: "accepted"
      case .unknownVersion: "it speaks another version than \(HandOverMessage.version)"
      case .badOffer: "it cannot use such an MTU or buffer size"
      case .badDescriptors: "it does not take the descriptors"
      }
    }
  }
  static func encode(_ verdict: Verdict) -> [UInt8] { magic + bytes(version) + bytes(verdict.rawValue) }

  enum Problem: Error, Equatable {
    case notOurs
    case version(UInt16)
    case malformed
  }

  static func decodeOffer(_ message: [UInt8]) throws(Problem) -> LinkOffer {
    try checkHead(message)
    guard message.count == offerByteCount else { throw .malformed }
    let mtu = Int(number(message, at: 8))
    let buffer = Int(number(message, at: 12))
    let flags = number(message, at: 16)
    guard LinkOptions.mtuRange.contains(mtu), QueueGeometry.bufferRange.contains(buffer),
      flags & ~(ethernetFlag | virtioNetHeaderFlag) == 0
    else { throw .malformed }
    return LinkOffer(
      mtu: mtu, bufferByteCount: buffer, isEthernet: flags & ethernetFlag != 0,
      hasVirtioNetHeader: flags & virtioNetHeaderFlag != 0)
  }

  static func decodeAnswer(_ message: [UInt8]) throws(Problem) -> Verdict {
    try checkHead(message)
    guard message.count == answerByteCount, let verdict = Verdict(rawValue: number(message, at: 8)) else {
      throw .malformed
    }
    return verdict
  }

  private static func checkHead(_ message: [UInt8]) throws(Problem) {
    guard message.count >= 8, Array(message[..<6]) == magic else { throw .notOurs }
    let theirs = UInt16(message[6]) | UInt16(message[7]) << 8
    if theirs != version { throw .version(theirs) }
  }

  private static func number(_ message: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(message[offset + $1]) << UInt32(8 * $1) }
  }

  private static func bytes(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
