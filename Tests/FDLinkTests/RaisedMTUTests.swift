import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// The MTU of a link is raised while packets flow that were too large: from one packet on all get through.
struct RaisedMTUTests {
  private static let wires = Wire.all.filter { $0.medium != .udp && ($0.isEthernet || $0.medium == .tun) }
  private static let sockets = wires.filter { !$0.medium.needsDevices }
  private static let interfaces = wires.filter { $0.medium.needsDevices }

  @Test(arguments: sockets)
  func `a socket delivers packets of a raised MTU`(_ wire: Wire) throws { try Self.checkReceiving(wire) }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"), arguments: interfaces)
  func `an interface delivers packets of a raised MTU`(_ wire: Wire) throws { try Self.checkReceiving(wire) }

  @Test(arguments: sockets)
  func `a socket sends packets of a raised MTU`(_ wire: Wire) throws { try Self.checkSending(wire) }

  @Test(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"), arguments: interfaces)
  func `an interface sends packets of a raised MTU`(_ wire: Wire) throws { try Self.checkSending(wire) }

  private static let byteCount = 3000
  private static let each = 60

  private static func frame(_ number: Int, _ wire: Wire) -> [UInt8] {
    linkHeader(wire) + numbered(number, byteCount: byteCount)
  }

  private static func linkHeader(_ wire: Wire) -> [UInt8] {
    wire.isEthernet ? Array(OddFrameTests.ethernet(to: OddFrameTests.own).prefix(14)) : []
  }

  private static func run<R: Sendable>(
    _ wire: Wire, _ body: @escaping @Sendable (FDEndpoint, borrowing RawPeer) throws -> R
  ) throws -> R {
    var options = LinkOptions(mtu: 1500)
    // The pool of a link's own has no room for more than the MTU that it began with.
    options.pool = PacketPool(frameByteCount: byteCount + 14, capacity: 128)
    return try wire.run(options, body)
  }

  private static func checkReceiving(_ wire: Wire) throws {
    let (frames, received) = try run(wire) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      for number in 0..<each { try peer.deliver(frame(number, wire)) }
      link.mtu = byteCount
      for number in each..<2 * each { try peer.deliver(frame(number, wire)) }
      try collector.need { $0.frames.last == frame(2 * each - 1, wire) }
      return (collector.frames, link.statistics.received)
    }
    // A batch that is being read keeps the limit that it began with.
    #expect(frames.count >= each - FDOptions().receiveBatch)
    #expect(frames == (2 * each - frames.count..<2 * each).map { frame($0, wire) })
    #expect(received[.oversize] == UInt64(2 * each - frames.count) && received.offered == UInt64(2 * each))
  }

  private static func checkSending(_ wire: Wire) throws {
    let (frames, sent) = try run(wire) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      let writer = try SystemThread(name: "test-writer") { write(wire, to: link, collector) }
      let haveMany = try eventually { link.statistics.sent[.oversize] >= 10 }
      link.mtu = byteCount
      var frames: [[UInt8]] = []
      while frames.count < each, let frame = try peer.waitToReceive() { frames.append(frame) }
      writer.join()
      if !haveMany { throw DidNotHappen(description: "ten packets that are too large") }
      return (frames, link.statistics.sent)
    }
    let first = Int(sent[.oversize])
    #expect(frames == (first..<first + each).map { frame($0, wire) })
    #expect(sent.packets == UInt64(each) && sent.dropped == sent[.oversize])
  }

  /// Sends packets one by one until so many were not too large.
  private static func write(_ wire: Wire, to link: FDEndpoint, _ room: Collector) {
    let (pool, end) = (PacketPool(frameByteCount: byteCount + 14, capacity: 1), deadline())
    var number = 0
    while link.statistics.sent.packets < UInt64(each), monotonicNanoseconds() < end {
      let calls = room.now.roomCalls
      do throws(LinkError) {
        number += try link.write(frames: [frame(number, wire)], pool: pool)
      } catch {
        guard error.code == .wouldBlock, room.waits(for: { $0.roomCalls > calls }) else { return }
      }
    }
  }
}
