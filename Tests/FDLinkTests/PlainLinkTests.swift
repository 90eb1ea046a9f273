import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// A kernel that leaves segments and checksums to others, one that knows nothing of that, and between them a link without
/// virtio-net headers: somebody has to do it.
@Suite(.enabled(if: canMakeDevices, "needs root and /dev/net/tun"))
struct PlainLinkTests {
  typealias Way = KernelStream.Way

  /// The far side has no headers, and does nothing in software: it takes what a network would.
  private static func far(_ way: Way) -> Way {
    var far = way
    far.device.hasVirtioNetHeader = false
    far.options.segmentation = .none
    return far
  }

  private static func near(_ way: Way) -> Way {
    var near = way
    near.crossesPlainLink = true
    return near
  }

  /// Nothing larger than the MTU, nothing with facts, and all checksums right.
  private static func expectPlain(_ relay: Relay) {
    let seen = relay.seen
    #expect(seen.allSatisfy { $0.byteCount <= 1500 && $0.segmentation == .none && $0.checksum == .complete })
    #expect(seen.allSatisfy { !$0.hasWrongSums })
  }

  private static let streams = [(Way(), 20_000_000), (Way(isIPv6: true), 4_000_000), (Way(isTAP: true), 4_000_000)]

  @Test(arguments: streams, [false, true])
  func `a TCP stream crosses`(_ stream: (way: Way, byteCount: Int), fromServer: Bool) throws {
    let (way, byteCount) = stream
    let stream = try KernelStream.tcp(Self.near(way), far: Self.far(way))
    #expect(stream.near.offloads.isSuperset(of: [.checksum, .tcpOverIPv4, .tcpOverIPv6]))
    #expect(try stream.transfer(byteCount, fromServer: fromServer))
    Self.expectPlain(stream.forth)
    Self.expectPlain(stream.back)
    let large = fromServer ? stream.back : stream.forth
    #expect(large.seen.count { $0.byteCount == 1500 } > byteCount / 2000)
    for link in [stream.near, stream.far] {
      #expect(link.statistics.sent[.refused] == 0 && link.statistics.sent[.oversize] == 0)
    }
  }

  @Test(arguments: [Way(), Way(isIPv6: true)]) func `datagrams cross`(_ way: Way) throws {
    let stream = try KernelStream.udp(Self.near(way), far: Self.far(way), segmentByteCount: 1000)
    let message = (0..<20_500).map { UInt8(truncatingIfNeeded: $0 / 1000) }
    #expect(InternetSocket.send(stream.client, message.span) == message.count)
    let server = stream.server.number
    var room = [UInt8](repeating: 0, count: 2000)
    for number in 0...20 {
      _ = try poll(server, .input, nanoseconds: 10_000_000_000)
      var span = room.mutableSpan
      let count = InternetSocket.receive(stream.server, into: &span)
      #expect(count == (number < 20 ? 1000 : 500))
      #expect(room[0] == UInt8(number))
    }
    Self.expectPlain(stream.forth)
  }
}
