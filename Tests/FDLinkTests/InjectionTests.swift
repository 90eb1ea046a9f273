import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Links that receive what their owner injects.
struct InjectionTests {
  static func withLink(
    _ options: LinkOptions = LinkOptions(), _ body: (InjectableEndpoint, Collector, consuming RawPeer) throws -> Void
  ) throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
    let link = try InjectableEndpoint(takingOwnershipOf: ends[0], options: options)
    defer { link.close() }
    let collector = try Collector()
    try link.attach(collector)
    try body(link, collector, peer)
  }

  static func batch(_ frames: [[UInt8]]) -> PacketBatch {
    var batch = PacketBatch(capacity: 64, pool: PacketPool(frameByteCount: 2000, capacity: 64))
    for frame in frames {
      batch.append { packet in
        packet.append(frame.count) { span in for index in frame.indices { span[index] = frame[index] } }
      }
    }
    return batch
  }

  @Test func `packets go out to the descriptor and come in by injection only`() throws {
    try Self.withLink { link, collector, peer in
      for number in 0..<100 { try peer.deliver(numbered(number)) }
      #expect(try link.writeBatch(Self.batch([numbered(7), numbered(8)])) == 2)
      #expect(try peer.waitToReceive() == numbered(7) && peer.waitToReceive() == numbered(8))
      var packets = Self.batch([numbered(1), numbered(2)])
      try link.inject(&packets)
      // It was delivered before the call returned; nobody took the packets.
      #expect(collector.frames == [numbered(1), numbered(2)] && packets.count == 2)
      let statistics = link.statistics
      #expect(statistics.received.packets == 2 && statistics.received.offered == 2 && statistics.sent.packets == 2)
      #expect(statistics[.sleep] < 20)
    }
  }

  @Test func `injected frames are judged as received ones`() throws {
    let own = LinkAddress(2, 0, 0, 0, 0, 1)
    try Self.withLink(LinkOptions(linkAddress: own)) { link, collector, peer in
      let good = OddFrameTests.ethernet(to: own)
      var packets = Self.batch([
        [], good, [UInt8](repeating: 1, count: 13), OddFrameTests.ethernet(to: own, byteCount: 1515), good,
      ])
      try link.inject(&packets)
      #expect(collector.frames == [good, good])
      let received = link.statistics.received
      #expect(received[.empty] == 1 && received[.runt] == 1 && received[.oversize] == 1 && received.offered == 5)
      #expect(packets.withPacket(0) { $0.linkHeaderLength } == 14)
    }
  }

  @Test func `injection needs an attached link, and no callback around it`() throws {
    @Sendable func code(_ link: InjectableEndpoint) -> LinkError.Code? {
      var packets = Self.batch([numbered(1)])
      do throws(LinkError) { try link.inject(&packets) } catch { return error.code }
      return nil
    }
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let other = OwnedDescriptor(owning: ends[1])
    let link = try InjectableEndpoint(takingOwnershipOf: ends[0])
    #expect(code(link) == .notAttached)
    let inside = Lock<LinkError.Code?>(nil)
    let collector = try Collector(onDelivery: { [weak link] in
      guard let link else { return }
      let result = code(link)
      inside.withLock { $0 = result }
    })
    try link.attach(collector)
    #expect(code(link) == nil)
    #expect(inside.withLock { $0 } == .wouldDeadlock)
    link.close()
    try link.wait()
    #expect(code(link) == .closed && collector.now.closings == [.requested])
    _ = try OwnedDescriptor.status(of: other.number)
  }

  @Test func `the end of the peer ends the link, unread packets or not`() throws {
    for count in [0, 5] {
      let ends = try UnixSocket.pair(.seqpacket).takeBoth()
      let link = try InjectableEndpoint(takingOwnershipOf: ends[0])
      let collector = try Collector()
      try link.attach(collector)
      do {
        let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
        for number in 0..<count { try peer.deliver(numbered(number)) }
      }
      #expect(collector.waits { $0.closings == [.peerDisconnected] } && collector.frames.isEmpty)
      try link.wait()
    }
  }

  @Test func `a callback of an injection may detach and close`() throws {
    for _ in 0..<20 {
      try Self.withLink { link, _, peer in
        link.detach()
        let order = FlowOrder(isConcurrent: false)
        try link.attach(order)
        order.onDelivery = { [weak link] in
          link?.detach()
          link?.close()
        }
        var packets = Self.batch([Flows.frame(0, 0)])
        try link.inject(&packets)
        try link.wait()
        #expect(order.calls == 1 && order.closings == 0)
      }
    }
  }

  @Test func `several threads inject one at a time, until one callback closes`() throws {
    try Self.withLink { link, _, peer in
      link.detach()
      let order = FlowOrder(isConcurrent: false)
      try link.attach(order)
      try concurrently(4) { flow in
        do {
          for number in 0..<200 {
            var packets = Self.batch([Flows.frame(flow, number)])
            try link.inject(&packets)
          }
        } catch { Issue.record("\(error)") }
      }
      #expect(order.count == 800 && order.disorder == 0 && order.mostAtOnce == 1)
      order.onDelivery = { [weak link] in link?.close() }
      var packets = Self.batch([Flows.frame(0, 200), Flows.frame(0, 201)])
      try link.inject(&packets)
      try link.wait()
      #expect(order.count == 802 && order.closings == 1)
    }
  }
}
