import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Virtio-net headers on devices, with the kernel's own TCP on both sides.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct DeviceOffloadTests {
  typealias Way = KernelStream.Way

  static let ways = [
    Way(), Way(isIPv6: true), Way(isTAP: true), Way(isTAP: true, isIPv6: true),
  ]

  private static func stream(_ way: Way) throws -> KernelStream {
    try KernelStream(
      way, serve: { try KernelStream.patiently { try InternetSocket.listen(way.address(2, port: 4000)) } },
      connect: { try KernelStream.patiently { try InternetSocket.connect(to: way.address(2, port: 4000)) } })
  }

  /// Sends so many bytes through TCP; returns whether they arrived as they were.
  private static func transfer(_ count: Int, over stream: KernelStream) throws -> Bool {
    let listener = stream.server.number
    guard try poll(listener, .input, nanoseconds: 10_000_000_000) == .input else {
      throw DidNotHappen(description: "no connection came")
    }
    guard let server = try UnixSocket.accept(stream.server) else { return false }
    let data = (0..<count).map { UInt8(truncatingIfNeeded: $0 &* 31 ^ $0 >> 8) }
    var sent = 0
    var received: [UInt8] = []
    var room = [UInt8](repeating: 0, count: 1 << 20)
    while received.count < count {
      if sent < count {
        let result = InternetSocket.send(stream.client, data.span.extracting(droppingFirst: sent))
        if result > 0 { sent += result }
      }
      guard try poll(server.number, .input, nanoseconds: 10_000_000_000).contains(.input) else {
        throw DidNotHappen(description: "\(received.count) of \(count) bytes arrived, \(sent) were sent")
      }
      var span = room.mutableSpan
      let result = InternetSocket.receive(server, into: &span)
      guard result > 0 else { break }
      received += room[..<result]
    }
    return received == data
  }

  @Test(arguments: ways) func `a TCP stream crosses in large segments`(_ way: Way) throws {
    let stream = try Self.stream(way)
    #expect(stream.near.offloads.isSuperset(of: [.checksum, .tcpOverIPv4, .tcpOverIPv6]))
    #expect(stream.near.segmentation == way.options.segmentation)
    #expect(stream.near.capabilities.isSuperset(of: [.transmitChecksumOffload, .receiveChecksumOffload]))
    #expect(try Self.transfer(4 << 20, over: stream))
    let large = stream.forth.seen.withLock { $0.filter { $0.byteCount > 1500 } }
    #expect(
      large.allSatisfy { $0.segmentation == (way.isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4) && $0.checksum == .needed })
    #expect(large.contains { $0.byteCount > 20_000 })
    #expect(large.allSatisfy { (1000..<1500).contains($0.segmentByteCount) })
    #expect(stream.far.statistics.sent[.refused] == 0 && stream.far.statistics.sent[.oversize] == 0)
    #expect(stream.near.statistics.received.dropped == 0)
  }

  @Test(arguments: ways) func `without segmentation only checksums are left out`(_ way: Way) throws {
    var way = way
    way.options.segmentation = .none
    let stream = try Self.stream(way)
    #expect(stream.near.offloads == .checksum && stream.near.segmentation == .none)
    #expect(try Self.transfer(1 << 20, over: stream))
    let seen = stream.forth.seen.withLock { $0 }
    #expect(seen.allSatisfy { $0.byteCount <= 1500 && $0.segmentation == .none })
    #expect(seen.contains { $0.checksum == .needed && $0.byteCount == 1500 })
  }

  @Test(arguments: ways) func `each offload that is switched off does not come`(_ way: Way) throws {
    for off in [OffloadSupport.checksum, .tcpOverIPv4, .tcpOverIPv6] {
      var way = way
      way.options.offloads.remove(off)
      let stream = try Self.stream(way)
      #expect(!stream.near.offloads.contains(off))
      #expect(try Self.transfer(1 << 20, over: stream))
      let seen = stream.forth.seen.withLock { $0 }
      let isOwn = off == .checksum || off == (way.isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4)
      #expect(seen.contains { $0.segmentation != .none } == !isOwn)
      #expect(seen.contains { $0.checksum == .needed } == (off != .checksum))
    }
  }
}
