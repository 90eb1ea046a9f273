import LinkCore
import LinkTestSupport

/// A batch of packets from outside is coalesced. Nothing is lost, changed or overtaken by that, and no damage is hidden.
///
/// The input says of each packet what stream it belongs to, and what is wrong with it.
enum CoalescingFuzz {
  private static let pool = PacketPool(frameByteCount: 65550, capacity: 64)

  static func run(_ input: inout FuzzInput) throws(FuzzFailure) {
    let linkHeaderLength = input.choice(2) * EthernetHeader.byteCount
    // Two streams each of TCP and UDP, over both versions.
    var streams = (0..<8).map { index in
      var packet = InternetPacket()
      (packet.isTCP, packet.isIPv6, packet.sourcePort) = (index & 1 == 0, index & 2 == 0, UInt16(index & 4))
      if linkHeaderLength > 0 { packet.linkHeader = InternetPacket.ethernet(isIPv6: packet.isIPv6) }
      return packet
    }
    var packets: [CoalescingOracle.Packet] = []
    while !input.isAtEnd, packets.count < 64 {
      packets.append(Self.next(of: &streams[input.choice(8)], &input))
    }
    do throws(CoalescingOracle.Failure) {
      _ = try CoalescingOracle.check(packets, linkHeaderLength: linkHeaderLength, pool: pool)
    } catch { throw FuzzFailure(description: error.description) }
  }

  private static func next(of stream: inout InternetPacket, _ input: inout FuzzInput) -> CoalescingOracle.Packet {
    let what = input.byte()
    let byteCount = what & 1 == 0 ? 32 : input.choice(64)
    stream.payload = [UInt8](repeating: what, count: byteCount)
    if what & 2 != 0 { stream.flags = input.byte() }
    if what & 4 != 0 { stream.tcpOptions = (0..<4 * input.choice(11)).map { _ in what } }
    if what & 8 != 0 { stream.sequence &+= UInt32(input.byte()) }
    if what & 16 != 0 { stream.identification &+= UInt16(input.byte()) }
    var packet = CoalescingOracle.Packet(stream.completeFrame)
    if what & 32 != 0 {
      packet.frame = stream.frame
      packet.offload = stream.offload(segmentByteCount: 0, linkHeaderLength: min(14, stream.linkHeader.count))
    }
    stream.sequence &+= UInt32(byteCount)
    stream.identification &+= 1
    stream.flags = 0x10
    if what & 64 != 0 {
      packet.frame[input.choice(packet.frame.count)] ^= input.byte()
      packet.frame.removeLast(input.choice(packet.frame.count))
    }
    if what & 128 != 0 {
      packet.offload.checksum = [.complete, .verified, .needed][input.choice(3)]
      packet.offload.segmentation = input.choice(8) == 0 ? .udp : .none
      packet.offload.checksumStart ^= UInt16(input.byte())
    }
    return packet
  }
}

extension FuzzTarget {
  static var coalescingSeeds: [Seed] {
    var seeds: [Seed] = []
    for link in 0..<2 {
      for stream in 0..<4 {
        seeds.append(Seed("row-\(link)-\(stream)", [UInt8(link)] + (0..<8).flatMap { _ in [UInt8(stream), 0] }))
      }
    }
    let row: [UInt8] = (0..<4).flatMap { _ in [0, 0] }
    return seeds + [
      Seed("interleaved", [1] + (0..<24).flatMap { [UInt8($0 % 8), 0] }), Seed("short", [0] + row + [0, 1, 5] + row),
      Seed("pushed", [0] + row + [0, 2, 0x18] + row), Seed("end", [0] + row + [0, 2, 0x11] + row),
      Seed("options", [0, 0, 4, 3] + row), Seed("gap", [0] + row + [0, 8, 1] + row),
      Seed("identification", [0, 2, 0, 2, 0, 2, 16, 5, 2, 0]),
      Seed("needed", [0] + (0..<4).flatMap { [UInt8($0 & 1), 32] }),
      Seed("damage", [0] + row + [0, 64, 30, 1, 0] + row),
      Seed("cut", [0] + row + [0, 64, 30, 0, 9] + row), Seed("facts", [0] + row + [0, 128, 1, 1, 0, 0, 128, 2, 1, 20]),
    ]
  }
}
