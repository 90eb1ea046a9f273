import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// A dispatcher may leave anything in the batch that it was lent, also a packet without room for what comes next.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct SmallChunkTests {
  /// Keeps the first packet, and leaves in its place one of its own, which was received once.
  private final class Exchanger: LinkDispatcher {
    private let own: Lock<PacketBatch>
    private let deliveries = Monitor(0)

    init() {
      // Room for the link header and little more.
      var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 24, capacity: 1))
      batch.append { packet in
        packet.append(20) { $0.update(repeating: 7) }
        packet.markLinkHeader(14)
        packet.facts.isRawFrame = true
      }
      own = Lock(batch)
    }

    func deliverPackets(_ packets: inout PacketBatch) {
      if deliveries.withLock({ $0 }) == 0 {
        own.withLock { own in own.modify(0) { mine in packets.modify(0) { swap(&$0, &mine) } } }
      }
      deliveries.withLock { $0 += packets.count }
    }

    var count: Int { deliveries.withLock { $0 } }
  }

  @Test(arguments: PacketSocketTests.Way.allCases)
  func `what does not fit into a packet that was left there is truncated`(_ way: PacketSocketTests.Way) throws {
    let plain = OddFrameTests.ethernet(to: .broadcast, byteCount: 100)
    let tagged = plain[..<12] + [0x81, 0, 0x20, 5] + plain[12...]
    let (count, received) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces(mtu: 1500)
      let link = try FDEndpoint.packet(
        interface: "left", options: LinkOptions(linkAddress: PacketSocketTests.own), fdOptions: way.options)
      defer { link.close() }
      let exchanger = Exchanger()
      try link.attach(exchanger)
      let peer = RawPeer(socket: try PacketSocket.open(interface: "right"))
      for (number, frame) in [plain, plain, Array(tagged), plain].enumerated() {
        try peer.deliver(frame)
        // One after the other: a batch would have other places for the ones behind.
        _ = try eventually { link.statistics.received.offered == UInt64(number) + 1 }
      }
      return (exchanger.count, link.statistics.received)
    }
    #expect(count == 1)
    #expect(received.packets == 1 && received[.truncated] == 3 && received.offered == 4)
  }
}
