public import LinkCore

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
  /// What its maker takes in packets, and its receiver as well once it is agreed on: what remains of it when the peer's hello
  /// has told what the peer takes. If anything does, frames have virtio-net headers.
  public var offloads: OffloadSupport = []
  /// The role that the receiver takes; the sender has the other one.
  public var receiverRole = SharedMemEndpoint.Role.client

  public init(mtu: Int, bufferByteCount: Int = 2048, isEthernet: Bool = false, hasVirtioNetHeader: Bool = false) {
    self.mtu = mtu
    self.bufferByteCount = bufferByteCount
    self.isEthernet = isEthernet
    self.hasVirtioNetHeader = hasVirtioNetHeader
  }

  /// What remains of the offer to a peer that takes `offloads`.
  func agreed(with offloads: OffloadSupport) -> LinkOffer {
    var agreed = self
    agreed.offloads.formIntersection(offloads)
    // Whoever cuts computes checksums.
    if !agreed.offloads.contains(.checksum) { agreed.offloads = [] }
    if !agreed.offloads.isEmpty { agreed.hasVirtioNetHeader = true }
    return agreed
  }

  /// What an end of the link is made with: the owner's wishes, as far as they were agreed on, and unless told otherwise what
  /// the queues carry. `mostFrameByteCount`: with a virtio-net header.
  func applied(to options: LinkOptions, mostFrameByteCount: Int) -> LinkOptions {
    if offloads.isEmpty { return options }
    var options = options
    options.offloads.formIntersection(offloads)
    if !options.offloads.isDisjoint(with: .segmentation) {
      let isGiven = options.segmentation.kind != .none
      let headers = VirtioNetHeader.byteCount + (isEthernet ? EthernetHeader.byteCount : 0)
      let most = max(options.mtu, min(LinkOptions.mtuRange.upperBound, mostFrameByteCount - headers))
      options.segmentation = SegmentationSupport(
        kind: .host, maxByteCount: isGiven ? options.segmentation.maxByteCount : most)
    }
    return options
  }

  /// Both ends have to frame alike: the wire tells neither.
  func check(_ options: LinkOptions) throws(LinkError) {
    guard isEthernet == (options.linkAddress != nil) else {
      throw LinkError(
        .invalidArgument,
        isEthernet
          ? "the offer has Ethernet frames: options.linkAddress must be set"
          : "the offer has bare IP packets: options.linkAddress must be nil")
    }
  }
}

/// The three messages of a hand-over, as bytes. Integers are little endian; Documentation/WireFormat.md has the layout.
enum HandOverMessage {
  static let version: UInt16 = 1
  private static let magic: [UInt8] = Array("SWLINK".utf8)

  private static let ethernetFlag: UInt32 = 1
  private static let virtioNetHeaderFlag: UInt32 = 2
  /// The bits of `OffloadSupport` are from here on.
  private static let offloadShift: UInt32 = 4

  // Each message has a size of its own, which tells them apart.

  /// The first message: magic, version, the role that its sender wants to take, the offloads that it takes.
  private static let helloByteCount = 16
  static func encodeHello(_ role: SharedMemEndpoint.Role, _ offloads: OffloadSupport) -> [UInt8] {
    magic + bytes(version) + bytes(number(of: role)) + bytes(UInt32(offloads.rawValue))
  }

  static func decodeHello(_ message: [UInt8]) throws(Problem) -> (
    role: SharedMemEndpoint.Role, offloads: OffloadSupport
  ) {
    try checkHead(message)
    guard message.count == helloByteCount, let role = role(number(message, at: 8)) else { throw .malformed }
    // What nobody here knows of is not agreed on.
    let offloads = OffloadSupport(rawValue: UInt8(truncatingIfNeeded: number(message, at: 12)))
    return (role, offloads.intersection(.all))
  }

  /// The second message: magic, version, then 32-bit fields, of which the last eight are the sizes of the memory files.
  /// Ten descriptors come with it.
  static let offerByteCount = 24 + 4 * 2 * QueueFiles.memoryCount
  static func encode(_ offer: LinkOffer, memoryByteCounts: [Int]) -> [UInt8] {
    let flags =
      (offer.isEthernet ? ethernetFlag : 0) | (offer.hasVirtioNetHeader ? virtioNetHeaderFlag : 0)
      | UInt32(offer.offloads.rawValue) << offloadShift
    let head =
      magic + bytes(version) + bytes(UInt32(offer.mtu)) + bytes(UInt32(offer.bufferByteCount)) + bytes(flags)
      + bytes(number(of: offer.receiverRole))
    return memoryByteCounts.reduce(head) { $0 + bytes(UInt32($1)) }
  }

  /// The answer to either: magic, version, verdict.
  static let answerByteCount = 12
  enum Verdict: UInt32 {
    case accepted = 0
    case unknownVersion = 1
    case badOffer = 2
    case badDescriptors = 3
    case wrongRole = 4
    case failed = 5

    var explanation: String {
      switch self {
      case .accepted: "accepted"
      case .unknownVersion: "it speaks another version than \(HandOverMessage.version)"
      case .badOffer: "it does not understand, or cannot use, what this side sent"
      case .badDescriptors: "it does not take the descriptors"
      case .wrongRole: "the two sides want the same role"
      case .failed: "it could not make its end of the link"
      }
    }
  }
  static func encode(_ verdict: Verdict) -> [UInt8] { magic + bytes(version) + bytes(verdict.rawValue) }

  enum Problem: Error, Equatable {
    case notOurs
    case version(UInt16)
    case malformed
    /// Not the message that was awaited, but a verdict.
    case refused(Verdict)
  }

  static func decodeOffer(
    _ message: [UInt8]
  ) throws(Problem) -> (offer: LinkOffer, claimedMemoryByteCounts: [Int]) {
    try checkHead(message)
    if message.count == answerByteCount, let verdict = Verdict(rawValue: number(message, at: 8)), verdict != .accepted {
      throw .refused(verdict)
    }
    guard message.count == offerByteCount, let role = role(number(message, at: 20)) else { throw .malformed }
    let mtu = Int(number(message, at: 8))
    let buffer = Int(number(message, at: 12))
    let flags = number(message, at: 16)
    let offloads = OffloadSupport(rawValue: UInt8(truncatingIfNeeded: flags >> offloadShift)).intersection(.all)
    guard LinkOptions.mtuRange.contains(mtu), QueueGeometry.bufferRange.contains(buffer),
      flags & ~(ethernetFlag | virtioNetHeaderFlag) == UInt32(offloads.rawValue) << offloadShift,
      offloads.isEmpty || flags & virtioNetHeaderFlag != 0 && offloads.contains(.checksum)
    else { throw .malformed }
    var offer = LinkOffer(
      mtu: mtu, bufferByteCount: buffer, isEthernet: flags & ethernetFlag != 0,
      hasVirtioNetHeader: flags & virtioNetHeaderFlag != 0)
    offer.receiverRole = role
    offer.offloads = offloads
    return (offer, stride(from: 24, to: offerByteCount, by: 4).map { Int(number(message, at: $0)) })
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

  private static func number(of role: SharedMemEndpoint.Role) -> UInt32 { role == .client ? 0 : 1 }
  private static func role(_ number: UInt32) -> SharedMemEndpoint.Role? {
    switch number {
    case 0: .client
    case 1: .server
    default: nil
    }
  }

  private static func number(_ message: [UInt8], at offset: Int) -> UInt32 {
    (0..<4).reduce(0) { $0 | UInt32(message[offset + $1]) << UInt32(8 * $1) }
  }

  private static func bytes(_ value: some FixedWidthInteger & UnsignedInteger) -> [UInt8] {
    (0..<value.bitWidth / 8).map { UInt8(truncatingIfNeeded: value >> (8 * $0)) }
  }
}
