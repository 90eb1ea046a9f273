import FDLink
import LinkCore
import LinkSystem
import Synchronization
import Testing

struct EndTests {
  @Test(arguments: [DispatchMode.readv, .recvmmsg])
  func `what a peer sent before it went is delivered first`(_ mode: DispatchMode) throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let link = try FDEndpoint(takingOwnershipOf: ends[0], fdOptions: MessageBatchTests.options(mode))
    let collector = try Collector()
    do {
      let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
      // Empty messages read like the end, which is behind them.
      for number in 0..<50 {
        #expect(peer.send(numbered(number)) == 64)
        #expect(peer.send([]) == 0)
      }
      #expect(peer.send(numbered(50)) == 64)
    }
    try link.attach(collector)
    try link.wait()
    #expect(collector.frames.map(number(of:)) == Array(0...50))
    #expect(collector.now.closings == [.peerDisconnected] && collector.now.late == 0)
    let received = link.statistics.received
    #expect(received.packets == 51 && received[.empty] == 50 && received.offered == 101)
    let error = #expect(throws: LinkError.self) { try link.attach(collector) }
    #expect(error?.code == .closed)
  }

  @Test(arguments: [DispatchMode.readv, .recvmmsg])
  func `a peer that went with unread packets is a peer that went`(_ mode: DispatchMode) throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let link = try FDEndpoint(takingOwnershipOf: ends[0], fdOptions: MessageBatchTests.options(mode))
    let collector = try Collector()
    let pool = PacketPool(frameByteCount: 100, capacity: 64)
    do {
      let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
      try link.attach(collector)
      // ECONNRESET is reported in front of what is queued.
      #expect(try link.write(frames: [numbered(1)], pool: pool) == 1)
      link.detach()
      for number in 0..<3 { _ = peer.send(numbered(number)) }
    }
    try link.attach(collector)
    try link.wait()
    #expect(collector.frames.map(number(of:)) == [0, 1, 2])
    #expect(collector.now.closings == [.peerDisconnected])
  }

  @Test func `a write to a peer that went ends the link after the queue`() throws {
    var options = LinkOptions()
    options.drive = .caller
    for kind in [UnixSocket.Kind.seqpacket, .datagram] {
      let ends = try UnixSocket.pair(kind).takeBoth()
      let link = try FDEndpoint(takingOwnershipOf: ends[0], options: options)
      let collector = try Collector()
      try link.attach(collector)
      do {
        let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
        for number in 0..<3 { _ = peer.send(numbered(number)) }
      }
      let pool = PacketPool(frameByteCount: 100, capacity: 64)
      // A datagram socket refuses one packet first; then it has no peer.
      let drops = kind == .datagram ? 1 : 0
      if drops == 1 { #expect(try link.write(frames: [numbered(1)], pool: pool) == 1) }
      let error = #expect(throws: LinkError.self) { try link.write(frames: [numbered(1)], pool: pool) }
      #expect(error?.code == .closed)
      // The kernel itself empties the queue of a datagram socket whose peer turned out to be gone.
      if kind == .seqpacket { #expect(link.step() == .delivered) }
      #expect(link.step() == .closed)
      #expect(collector.frames.count == (kind == .seqpacket ? 3 : 0))
      #expect(collector.now.closings == [.peerDisconnected])
      #expect(link.statistics.sent[.refused] == UInt64(drops) && link.statistics.sent.packets == 0)
    }
  }

  @Test func `close from inside a delivery ends after it`() throws {
    try withLink { link, peer in
      let refused = Lock<LinkError?>(nil)
      let collector = try Collector {
        link.close()
        do throws(LinkError) { try link.wait() } catch { refused.withLock { $0 = error } }
      }
      for number in 0..<100 { _ = peer.send(numbered(number)) }
      try link.attach(collector)
      try link.wait()
      #expect(refused.withLock { $0?.code } == .wouldDeadlock)
      #expect(collector.now.closings == [.requested] && collector.now.batches == 1 && collector.now.late == 0)
    }
  }

  @Test func `a socket that was shut down under the link ends it instead of making it spin`() throws {
    let ends = try UnixSocket.pair(.datagram).takeBoth()
    let peer = OwnedDescriptor(owning: ends[1])
    let other = try OwnedDescriptor.duplicating(ends[0])
    let link = try FDEndpoint(takingOwnershipOf: ends[0])
    let collector = try Collector()
    try link.attach(collector)
    // From now on it polls readable, and there is nothing to read.
    shutDownReading(other.number)
    #expect(collector.waits { $0.closings == [.peerDisconnected] })
    try link.wait()
    #expect(link.statistics[.sleep] < 20)
    _ = consume peer
  }
}
