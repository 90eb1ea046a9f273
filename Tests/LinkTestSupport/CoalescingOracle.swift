package import LinkCore

/// Coalesces packets, and says what is wrong with the outcome: everything that came has to be there still, in order. Each
/// large packet is cut again, and has to give back what it was made of.
package struct CoalescingOracle {
  package struct Packet: Equatable, Sendable {
    package var frame: [UInt8]
    package var offload = PacketOffload()
    package init(_ frame: [UInt8], _ offload: PacketOffload = PacketOffload()) {
      self.frame = frame
      self.offload = offload
    }
  }
  package struct Failure: Error, CustomStringConvertible { package let description: String }

  private let packets: [Packet]
  private let linkHeaderLength: Int
  private var isUsed: [Bool]

  /// Returns what came of the packets: at most 64 of them, not larger than the pool's chunks allow.
  package static func check(
    _ packets: [Packet], linkHeaderLength: Int, kinds: OffloadSupport = .all, pool: PacketPool
  ) throws(Failure) -> [Packet] {
    var coalescer = Coalescer(kinds)
    let (result, joined) = coalesce(packets, linkHeaderLength: linkHeaderLength, &coalescer, pool)
    guard joined == packets.count - result.count else {
      throw Failure(description: "\(packets.count) became \(result.count), and \(joined) were counted")
    }
    var oracle = CoalescingOracle(packets, linkHeaderLength)
    for packet in result { try oracle.expect(packet, pool) }
    guard oracle.isUsed.allSatisfy({ $0 }) else { throw Failure(description: "packets are missing") }
    return result
  }

  private init(_ packets: [Packet], _ linkHeaderLength: Int) {
    self.packets = packets
    self.linkHeaderLength = linkHeaderLength
    isUsed = packets.map { _ in false }
  }

  /// Lays the packets into a batch.
  package static func coalesce(
    _ packets: [Packet], linkHeaderLength: Int, _ coalescer: inout Coalescer, _ pool: PacketPool
  ) -> (packets: [Packet], joined: Int) {
    var batch = PacketBatch(capacity: max(1, packets.count), pool: pool)
    for content in packets {
      let isThere = batch.append { packet in
        packet.append(content.frame.count) { for index in content.frame.indices { $0[index] = content.frame[index] } }
        packet.markLinkHeader(min(linkHeaderLength, content.frame.count))
        packet.facts.offload = content.offload
      }
      precondition(isThere, "a larger pool is needed")
    }
    let joined = coalescer.coalesce(&batch, linkHeaderLength: linkHeaderLength)
    let result = (0..<batch.count).map { index in
      batch.withPacket(index) { packet in
        Packet(packet.withFrame { frame in frame.indices.map { frame[$0] } }, packet.facts.offload)
      }
    }
    return (result, joined)
  }

  /// The packet, or what it is cut into, is the next that came; then the next ones of the same flow.
  private mutating func expect(_ packet: Packet, _ pool: PacketPool) throws(Failure) {
    guard var at = isUsed.firstIndex(of: false) else { throw Failure(description: "more packets than came") }
    isUsed[at] = true
    if packet == packets[at] { return }
    let pieces = try cut(packet, pool)
    let flow = Self.flow(packets[at].frame, linkHeaderLength)
    for (number, piece) in pieces.enumerated() {
      if number > 0 {
        repeat {
          at += 1
          guard at < packets.count else { throw Failure(description: "a piece more than came, of \(pieces.count)") }
          guard let other = Self.flow(packets[at].frame, linkHeaderLength) else {
            throw Failure(description: "a packet of an unknown flow was overtaken")
          }
          if other == flow { break }
        } while true
        guard !isUsed[at] else { throw Failure(description: "packet \(at) went two ways") }
        isUsed[at] = true
      }
      let came = canonical(packets[at].frame, packets[at].offload)
      guard came == canonical(piece, packets[at].offload.checksum == .verified ? packets[at].offload : PacketOffload())
      else { throw Failure(description: "piece \(number) is not packet \(at):\n\(piece)\n\(packets[at])") }
    }
  }

  private func cut(_ packet: Packet, _ pool: PacketPool) throws(Failure) -> [[UInt8]] {
    var batch = PacketBatch(capacity: 2, pool: pool)
    for _ in 0..<2 {
      batch.append { to in
        to.append(packet.frame.count) { for index in packet.frame.indices { $0[index] = packet.frame[index] } }
        to.markLinkHeader(linkHeaderLength)
        to.facts.offload = packet.offload
      }
    }
    var out = batch.take(1)
    let pieces: [[UInt8]]? = batch.withPacket(0) { packet in
      do throws(OffloadFailure) {
        var segmenter = try Segmenter(packet, mtu: 65536)
        var pieces: [[UInt8]] = []
        while !segmenter.isDone {
          segmenter.cut(packet, into: &out)
          pieces.append(out.withFrame { frame in frame.indices.map { frame[$0] } })
        }
        return pieces
      } catch { return nil }
    }
    guard let pieces else { throw Failure(description: "it cannot be cut again: \(packet)") }
    return pieces
  }

  /// Without what need not come back: the bytes of a checksum that nobody looks at. A checksum of zero may have both its
  /// forms.
  private func canonical(_ frame: [UInt8], _ offload: PacketOffload) -> [UInt8] {
    var frame = frame
    let isIPv4 = frame[linkHeaderLength] >> 4 == 4
    let transport = linkHeaderLength + (isIPv4 ? 20 : 40)
    let isTCP = frame[linkHeaderLength + (isIPv4 ? 9 : 6)] == 6
    let field = transport + (isTCP ? 16 : 6)
    var checksum = InternetPacket.bytes(~InternetPacket.sum(frame[transport...]))
    if offload.checksum != .needed { checksum = Array(frame[field..<field + 2]) }
    if offload.checksum == .verified || checksum == [255, 255] { checksum = [0, 0] }
    frame.replaceSubrange(field..<field + 2, with: checksum)
    return frame
  }

  /// Protocol, addresses and ports; nil: it may be any.
  private static func flow(_ frame: [UInt8], _ linkHeaderLength: Int) -> [UInt8]? {
    let ip = Array(frame.dropFirst(linkHeaderLength))
    guard let first = ip.first, first >> 4 == 4 || first >> 4 == 6 else { return nil }
    let isIPv4 = first >> 4 == 4
    let headerLength = isIPv4 ? Int(first & 15) * 4 : 40
    guard headerLength >= 20, ip.count >= headerLength + 4 else { return nil }
    let number = ip[isIPv4 ? 9 : 6]
    // Extension headers of IPv6 that are stepped over: not looked at here.
    if !isIPv4, [0, 43, 60].contains(number) { return [number] }
    guard number == 6 || number == 17, !isIPv4 || ip[6] & 0x3f == 0 && ip[7] == 0 else { return nil }
    let addresses = isIPv4 ? ip[12..<20] : ip[8..<40]
    return [first >> 4, number] + addresses + ip[headerLength..<headerLength + 4]
  }
}
