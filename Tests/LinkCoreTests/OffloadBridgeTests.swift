import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// Packets that leave something to others, over a bridge from a link that hands that on to one that does not, and back.
struct OffloadBridgeTests {
  enum Far: CaseIterable { case seqpacket, sharedMemory }

  /// Keeps what arrives, with its facts.
  private final class Arrivals: LinkDispatcher {
    private let arrivals = Lock<[OffloadSample.Arrival]>([])
    var list: [OffloadSample.Arrival] { arrivals.withLock { $0.ownCopy } }
    var count: Int { arrivals.withLock { $0.count } }

    func deliverPackets(_ packets: inout PacketBatch) {
      for index in 0..<packets.count {
        let arrival = packets.withPacket(index) { OffloadSample.Arrival($0) }
        arrivals.withLock { $0.append(arrival) }
      }
    }
    func linkHasRoom() {}
    func linkDidClose(_ reason: LinkCloseReason) {}
  }

  /// A link of the bridge, and its other end, which the test drives.
  private struct Ends {
    let bridged: any LinkEndpoint
    let outer: any DrivenLink
    let arrivals = Arrivals()

    init(hasHeader: Bool, isEthernet: Bool = false, _ far: Far = .sharedMemory, outerRole: SharedMemEndpoint.Role)
      throws
    {
      var options = LinkOptions()
      if isEthernet { options.linkAddress = LinkAddress(2, 0, 0, 0, 0, 1) }
      options.spin = .zero
      options.segmentation = SegmentationSupport(kind: hasHeader ? .host : .software, maxByteCount: 65536)
      var driven = options
      driven.drive = .caller
      if far == .seqpacket {
        let ends = try UnixSocket.pair(.seqpacket).takeBoth()
        bridged = try FDEndpoint(takingOwnershipOf: ends[0], options: options)
        outer = try FDEndpoint(takingOwnershipOf: ends[1], options: driven)
      } else {
        let queues = try QueuePair.make()
        let copy = try queues.duplicate()
        let role = outerRole == .client ? SharedMemEndpoint.Role.server : .client
        bridged = try SharedMemEndpoint(role, queues: queues, hasVirtioNetHeader: hasHeader, options: options)
        outer = try SharedMemEndpoint(outerRole, queues: copy, hasVirtioNetHeader: hasHeader, options: driven)
      }
      try outer.attach(arrivals)
    }

    func close() {
      outer.close()
      while outer.step() != .closed {}
    }
  }

  /// Sends samples from one end to the other, which reads nothing until the link before it is full, and then a batch now
  /// and then.
  private static func pass(_ samples: [OffloadSample], from source: Ends, to target: Ends) throws {
    let batch = try OffloadSample.batch(samples, for: source.outer)
    var next = 0
    func write() throws {
      do throws(LinkError) {
        if next < samples.count { next += try source.outer.writeBatch(batch, from: next) }
      } catch { guard error.code == .wouldBlock else { throw error } }
      _ = source.outer.step()
    }
    // A server has no room before the client's first turn.
    _ = target.outer.step()
    let isFull = try eventually {
      try write()
      return target.bridged.statistics.sent[.refusedWrite] > 0
    }
    #expect(isFull)
    let count = samples.reduce(0) { $0 + $1.segmentCount }
    let isThere = try eventually {
      try write()
      _ = target.outer.step()
      return next == samples.count && target.arrivals.count >= count
    }
    #expect(isThere, "\(next) of \(samples.count) sent, \(target.arrivals.count) of \(count) arrived")
    try OffloadSample.check(target.arrivals.list, are: samples)
    #expect(target.arrivals.list.allSatisfy { $0.offload == PacketOffload() })
  }

  @Test(arguments: Far.allCases, [false, true])
  func `what one side leaves to others the other side gets whole`(_ kind: Far, _ isEthernet: Bool) throws {
    let near = try Ends(hasHeader: true, isEthernet: isEthernet, outerRole: .client)
    let far = try Ends(hasHeader: false, kind, outerRole: .server)
    let bridge = LinkBridge(near.bridged, far.bridged)
    try bridge.start()
    defer {
      bridge.close()
      for end in [near, far] { end.close() }
    }
    let samples = (0..<40).map { OffloadSample($0, payload: 65_000) }
    let count = UInt64(samples.reduce(0) { $0 + $1.segmentCount })
    try Self.pass(samples, from: near, to: far)
    let sent = far.bridged.statistics.sent
    #expect(sent[.softwareOffload] == 40 && sent.packets == count && sent.dropped == 0)
    #expect(bridge.flowFromA.tally.packets == 40 && bridge.flowFromA.tally.dropped == 0)
    #expect(near.outer.statistics.sent[.softwareOffload] == 0)

    try Self.pass(samples, from: far, to: near)
    // The link at the far end has done it already.
    #expect(far.outer.statistics.sent[.softwareOffload] == 40)
    let returned = near.bridged.statistics.sent
    #expect(returned[.softwareOffload] == 0 && returned.packets == count && returned.dropped == 0)
    #expect(bridge.flowFromB.tally.packets == count && bridge.flowFromB.tally.dropped == 0)
  }
}
