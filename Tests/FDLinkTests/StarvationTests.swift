import FDLink
import LinkCore
import LinkSystem
import Synchronization
import Testing

/// A dispatcher that keeps the packets themselves until it is told to let go.
private final class Keeper: LinkDispatcher {
  private final class Holder: Sendable {
    let packet: Lock<PacketBuffer>
    init(_ packet: consuming sending PacketBuffer) { self.packet = Lock(packet) }
  }
  private let kept = Lock<[Holder]>([])
  let collector: Collector

  init() throws(LinkError) { collector = try Collector() }

  func deliverPackets(_ packets: inout PacketBatch) {
    kept.withLock { kept in
      collector.deliverPackets(&packets)
      for index in 0..<packets.count { kept.append(Holder(packets.take(index))) }
    }
  }
  func linkDidClose(_ reason: LinkCloseReason) { collector.linkDidClose(reason) }
  func letGo() {
    let released = kept.withLock { kept in
      defer { kept = [] }
      return kept
    }
    _ = consume released
  }
}

struct StarvationTests {
  private static var options: LinkOptions {
    var options = LinkOptions()
    options.pool = PacketPool(frameByteCount: 1500, capacity: 4)
    return options
  }

  @Test func `an empty pool stops reception until packets come home`() throws {
    try withLink(.seqpacket, Self.options) { link, peer in
      let keeper = try Keeper()
      try link.attach(keeper)
      for number in 0..<10 { _ = peer.send(numbered(number)) }
      for expected in [4, 8, 10] {
        #expect(keeper.collector.waits { $0.frames.count == expected })
        keeper.letGo()
      }
      #expect(keeper.collector.frames.map(number(of:)) == Array(0..<10))
      #expect(link.statistics.received.packets == 10)
    }
  }

  @Test func `a standstill is counted once and ends the caller's wait`() throws {
    var options = Self.options
    options.drive = .caller
    try withLink(.seqpacket, options) { link, peer in
      let keeper = try Keeper()
      try link.attach(keeper)
      for number in 0..<6 { _ = peer.send(numbered(number)) }
      #expect(link.step() == .delivered)
      // The first wait ends at once: attaching rings the bell.
      for _ in 0..<3 {
        #expect(link.step() == .starved)
        _ = link.prepareToWait()
      }
      #expect(link.step() == .starved)
      let plan = try #require(link.prepareToWait())
      let bell = try #require(plan.entries.last)
      #expect(try poll(bell.descriptor, .input, nanoseconds: 0).isEmpty)
      keeper.letGo()
      #expect(try poll(bell.descriptor, .input, nanoseconds: 10_000_000_000) == .input)
      #expect(link.step() == .delivered)
      #expect(keeper.collector.frames.map(number(of:)) == Array(0..<6))
      #expect(link.statistics[.starvation] == 1)
    }
  }

  @Test func `a starved link notices that its peer went`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let link = try FDEndpoint(takingOwnershipOf: ends[0], options: Self.options)
    let keeper = try Keeper()
    do {
      let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
      try link.attach(keeper)
      for number in 0..<4 { _ = peer.send(numbered(number)) }
      #expect(keeper.collector.waits { $0.frames.count == 4 })
    }
    // All packets are out, and stay out.
    #expect(keeper.collector.waits { $0.closings == [.peerDisconnected] })
    keeper.letGo()
    try link.wait()
  }

  @Test func `a starved link delivers what its peer left before it ends`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let link = try FDEndpoint(takingOwnershipOf: ends[0], options: Self.options)
    let keeper = try Keeper()
    do {
      let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
      for number in 0..<6 { _ = peer.send(numbered(number)) }
    }
    try link.attach(keeper)
    #expect(keeper.collector.waits { $0.frames.count == 4 })
    keeper.letGo()
    #expect(keeper.collector.waits { $0.closings == [.peerDisconnected] })
    #expect(keeper.collector.frames.map(number(of:)) == Array(0..<6))
    keeper.letGo()
    try link.wait()
    // Asleep, not spinning, while nothing could be done.
    #expect(link.statistics[.sleep] < 20)
  }
}
