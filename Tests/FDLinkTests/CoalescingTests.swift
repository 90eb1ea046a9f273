import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Packets of the kernel's own making, joined on their way from one kernel to another.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct CoalescingTests {
  typealias Way = KernelStream.Way
  static let ways = [Way(), Way(isIPv6: true), Way(isTAP: true), Way(isTAP: true, isIPv6: true)]

  @Test(arguments: ways) func `what a device brings is joined, and goes on in large segments`(_ far: Way) throws {
    var near = far
    near.device.hasVirtioNetHeader = false
    near.options.segmentation = .none
    near.fdOptions.gro = .segmentation
    let stream = try KernelStream.tcp(near, far: far)
    #expect(try stream.transfer(4 << 20))
    let seen = stream.forth.seen
    let large = seen.filter { $0.byteCount > 1500 }
    #expect(
      large.allSatisfy { $0.segmentation == (far.isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4) && $0.checksum == .needed })
    #expect(large.contains { $0.byteCount > 5000 })
    #expect(large.allSatisfy { (1000..<1500).contains($0.segmentByteCount) })
    let received = stream.near.statistics.received
    let joined = received[.coalescedPacket]
    print("\(far): \(received.packets) packets came, \(joined) were joined to others")
    #expect(joined > 0 && received.dropped == 0)
    #expect(stream.far.statistics.sent[.refused] == 0)
  }

  @Test(arguments: ways) func `packets of a flow are handed to a device in one write`(_ far: Way) throws {
    var near = far
    near.options.segmentation = .none
    let stream = try KernelStream.tcp(near, far: far)
    #expect(try stream.transfer(4 << 20))
    #expect(stream.forth.seen.allSatisfy { $0.byteCount <= 1500 })
    let sent = stream.far.statistics.sent
    let joined = sent[.coalescedPacket]
    print("\(far): \(sent.packets) packets went, in \(sent.packets - joined) writes")
    #expect(joined > 0 && sent.dropped == 0)
  }

  @Test func `datagrams of one size are joined`() throws {
    var near = Way()
    near.device.hasVirtioNetHeader = false
    near.options.segmentation = .none
    near.fdOptions.gro = .udp
    let seen = try TestNetwork.inNamespace { [near] in
      let link = try near.open(1)
      defer { link.close() }
      let relay = Relay(verifiesSums: false)
      try link.attach(relay)
      let peer = RawPeer(socket: try connectedUDP(to: [10, 9, 0, 2], port: 9))
      let came = try eventually {
        for _ in 0..<40 { _ = peer.send([UInt8](repeating: 7, count: 1000)) }
        return relay.seen.contains { $0.segmentation == .udp }
      }
      return came ? relay.seen : []
    }
    let joined = seen.filter { $0.segmentation != .none }
    #expect(!joined.isEmpty)
    #expect(joined.allSatisfy { $0.segmentation == .udp && $0.segmentByteCount == 1000 && $0.checksum == .needed })
    #expect(joined.allSatisfy { $0.byteCount % 1000 == 28 })
  }
}
