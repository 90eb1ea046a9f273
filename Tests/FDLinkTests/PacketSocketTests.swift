import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Packet sockets on real interfaces, each test in a network namespace of its own.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct PacketSocketTests {
  static let own = LinkAddress(2, 0, 0, 0, 0, 1)
  enum Way: String, CaseIterable, Sendable {
    case readv, recvmmsg, framewise, blockwise

    var options: FDOptions {
      var options = FDOptions()
      options.socketReceiveBufferByteCount = 1 << 23
      switch self {
      case .readv: options.dispatchMode = .readv
      case .recvmmsg: options.dispatchMode = .recvmmsg
      case .framewise, .blockwise:
        options.dispatchMode = .packetRing
        options.ring.version = self == .framewise ? .framewise : .blockwise
      }
      return options
    }
  }

  /// A link on one interface, and a raw socket on the other.
  static func withInterfaces<R: Sendable>(
    _ way: Way, drive: LinkOptions.Drive = .thread, mtu: Int = 1500,
    _ change: @Sendable (inout FDOptions) -> Void = { _ in },
    _ body: @escaping @Sendable (FDEndpoint, Collector, consuming RawPeer) throws -> R
  ) throws -> R {
    var fdOptions = way.options
    change(&fdOptions)
    return try TestNetwork.inNamespace { [fdOptions] in
      try TestNetwork.makeInterfaces(mtu: mtu)
      var options = LinkOptions(linkAddress: own)
      options.drive = drive
      let link = try FDEndpoint.packet(interface: "left", options: options, fdOptions: fdOptions)
      defer { link.close() }
      let collector = try Collector()
      try link.attach(collector)
      return try body(link, collector, RawPeer(socket: try PacketSocket.open(interface: "right")))
    }
  }

  @Test(arguments: Way.allCases)
  func `frames of every size cross in both directions`(_ way: Way) throws {
    let frames = (0..<200).map { OddFrameTests.ethernet(to: .broadcast, byteCount: 14 + ($0 * 37 + 1) % 1500) }
    let (received, sent, mtu, statistics) = try Self.withInterfaces(way) { link, collector, peer in
      for frame in frames { try peer.deliver(frame) }
      try collector.need { $0.frames.count == 200 }
      let pool = PacketPool(frameByteCount: 1514, capacity: 64)
      var sent: [[UInt8]] = []
      for frame in frames {
        _ = try link.write(frames: [frame], pool: pool)
        if let frame = try peer.waitToReceive() { sent.append(frame) }
      }
      link.close()
      try link.wait()
      return (collector.frames, sent, link.mtu, link.statistics)
    }
    #expect(received == frames && sent == frames && mtu == 1500)
    #expect(statistics.received.offered == 200 && statistics.received.packets == 200)
    #expect(statistics.sent.packets == 200)
  }

  @Test(arguments: Way.allCases)
  func `VLAN tags arrive as they were sent`(_ way: Way) throws {
    func tagged(_ tags: [UInt8], byteCount: Int) -> [UInt8] {
      let plain = OddFrameTests.ethernet(to: .broadcast, byteCount: byteCount)
      return plain[..<12] + tags + plain[12...]
    }
    let frames = [
      tagged([0x81, 0, 0x20, 5], byteCount: 60), tagged([0x88, 0xa8, 0, 7, 0x81, 0, 0, 9], byteCount: 60),
      OddFrameTests.ethernet(to: .broadcast), tagged([0x81, 0, 0, 0], byteCount: 1514),
    ]
    let received = try Self.withInterfaces(way) { link, collector, peer in
      for frame in frames { try peer.deliver(frame) }
      try collector.need { $0.frames.count == frames.count }
      return collector.frames
    }
    #expect(received == frames)
  }

  @Test(arguments: [Way.framewise, .blockwise])
  func `frames that do not fit in the ring are counted as truncated`(_ way: Way) throws {
    let good = OddFrameTests.ethernet(to: Self.own)
    let change = { @Sendable (options: inout FDOptions) in
      options.ring.frameByteCount = 1024
      options.ring.blockByteCount = 4096
      options.ring.blockCount = 64
    }
    let received = try Self.withInterfaces(way, mtu: 9000, change) { link, collector, peer in
      for _ in 0..<10 {
        try peer.deliver(OddFrameTests.ethernet(to: Self.own, byteCount: 8000))
        try peer.deliver(good)
      }
      try collector.need { $0.frames.count == 10 }
      #expect(collector.frames.allSatisfy { $0 == good })
      return link.statistics.received
    }
    #expect(received[.truncated] == 10 && received.offered == 20)
  }

  @Test(arguments: Way.allCases)
  func `what the kernel had no room for is counted`(_ way: Way) throws {
    let change = { @Sendable (options: inout FDOptions) in
      options.socketReceiveBufferByteCount = 20_000
      options.ring.blockCount = 1
    }
    let received = try Self.withInterfaces(way, drive: .caller, change) { link, collector, peer in
      for _ in 0..<3000 { try peer.deliver(OddFrameTests.ethernet(to: Self.own, byteCount: 1000)) }
      _ = try eventually {
        while link.step() == .delivered {}
        _ = link.prepareToWait()
        return link.statistics.received.offered == 3000
      }
      return link.statistics.received
    }
    #expect(received[.noRoom] > 0 && received.offered == 3000 && received.packets > 0)
  }

  @Test(arguments: Way.allCases)
  func `an interface that went down and came up goes on`(_ way: Way) throws {
    let good = OddFrameTests.ethernet(to: Self.own)
    let (statistics, closings) = try Self.withInterfaces(way) { link, collector, peer in
      let pool = PacketPool(frameByteCount: 1514, capacity: 64)
      for round in 1...3 {
        // What is sent before the kernel has noticed that the interface is up is lost.
        let before = collector.frames.count
        let came = try eventually {
          try peer.deliver(good)
          return collector.frames.count > before
        }
        if !came { throw DidNotHappen(description: "nothing arrived in round \(round)") }
        try NetworkDevice.setUp("left", false)
        _ = try link.write(frames: [good], pool: pool)
        try NetworkDevice.setUp("left")
      }
      _ = try link.write(frames: [good], pool: pool)
      link.close()
      try link.wait()
      return (link.statistics, collector.now.closings)
    }
    // A sender may be told a last time after the interface came up: the socket reports that it was down once.
    #expect([3, 4].contains(statistics.sent[.linkDown]) && statistics.sent.offered == 4)
    #expect(statistics.received.dropped == statistics.received[.noRoom])
    #expect(closings == [.requested])
  }

  @Test(arguments: Way.allCases)
  func `a deleted interface ends the link with a failure`(_ way: Way) throws {
    let closings = try Self.withInterfaces(way) { link, collector, peer in
      try NetworkDevice.delete("left")
      try collector.need { !$0.closings.isEmpty }
      try link.wait()
      return collector.now.closings
    }
    guard closings.count == 1, case .failed = closings[0] else {
      Issue.record("ended with \(closings)")
      return
    }
  }

  @Test(arguments: Way.allCases)
  func `a link does not see what its own host sends on the interface`(_ way: Way) throws {
    let frames = try Self.withInterfaces(way) { link, collector, peer in
      let other = RawPeer(socket: try PacketSocket.open(interface: "left"))
      try other.deliver(OddFrameTests.ethernet(to: Self.own, byteCount: 100))
      try peer.deliver(OddFrameTests.ethernet(to: Self.own))
      try collector.need { !$0.frames.isEmpty }
      return collector.frames
    }
    #expect(frames == [OddFrameTests.ethernet(to: Self.own)])
  }
}
