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
    Way(), Way(isIPv6: true), Way(isTAP: true), Way(isTAP: true, isIPv6: true), severalQueues,
    Way().with(.adoptedDevice(headerByteCount: 12)), Way(isTAP: true).with(.adoptedDevice(headerByteCount: 10)),
  ]

  private static var severalQueues: Way {
    var way = Way()
    way.device.queueCount = 2
    return way
  }

  @Test(arguments: ways) func `a TCP stream crosses in large segments`(_ way: Way) throws {
    let stream = try KernelStream.tcp(way)
    #expect(stream.near.offloads.isSuperset(of: [.checksum, .tcpOverIPv4, .tcpOverIPv6]))
    #expect(stream.near.segmentation == way.options.segmentation)
    #expect(stream.near.capabilities.isSuperset(of: [.transmitChecksumOffload, .receiveChecksumOffload]))
    #expect(try stream.transfer(4 << 20))
    let large = stream.forth.seen.filter { $0.byteCount > 1500 }
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
    let stream = try KernelStream.tcp(way)
    #expect(stream.near.offloads == .checksum && stream.near.segmentation == .none)
    #expect(try stream.transfer(1 << 20))
    let seen = stream.forth.seen
    #expect(seen.allSatisfy { $0.byteCount <= 1500 && $0.segmentation == .none })
    #expect(seen.contains { $0.checksum == .needed && $0.byteCount == 1500 })
  }

  @Test(arguments: [Way(), Way(isIPv6: true)])
  func `each offload that is switched off does not come`(_ way: Way) throws {
    for off in [OffloadSupport.checksum, .tcpOverIPv4, .tcpOverIPv6] {
      var way = way
      way.options.offloads.remove(off)
      let stream = try KernelStream.tcp(way)
      #expect(!stream.near.offloads.contains(off))
      #expect(try stream.transfer(1 << 20))
      let seen = stream.forth.seen
      let isOwn = off == .checksum || off == (way.isIPv6 ? .tcpOverIPv6 : .tcpOverIPv4)
      #expect(seen.contains { $0.segmentation != .none } == !isOwn)
      #expect(seen.contains { $0.checksum == .needed } == (off != .checksum))
    }
  }

  @Test(arguments: [Way(), Way(isIPv6: true)])
  func `datagrams cross in one packet where the kernel can do that`(_ way: Way) throws {
    for isOff in [false, true] {
      var way = way
      if isOff { way.options.offloads.remove(.udp) }
      let stream = try KernelStream.udp(way, segmentByteCount: 1000)
      let message = (0..<20_000).map { UInt8(truncatingIfNeeded: $0 / 1000) }
      #expect(InternetSocket.send(stream.client, message.span) == 20_000)
      let server = stream.server.number
      var room = [UInt8](repeating: 0, count: 2000)
      for number in 0..<20 {
        _ = try poll(server, .input, nanoseconds: 10_000_000_000)
        var span = room.mutableSpan
        #expect(InternetSocket.receive(stream.server, into: &span) == 1000)
        #expect(room[0] == UInt8(number))
      }
      let seen = stream.forth.seen.filter { $0.byteCount > 900 }
      if stream.near.offloads.contains(.udp) {
        #expect(!isOff && seen.count == 1 && seen[0].segmentation == .udp && seen[0].segmentByteCount == 1000)
      } else {
        #expect(seen.count == 20 && seen.allSatisfy { $0.segmentation == .none })
      }
    }
  }

  @Test func `descriptors with other headers are refused`() throws {
    let codes = try TestNetwork.inNamespace {
      let odd = try NetworkDevice.open(.tun, name: "odd", hasVirtioNetHeader: true).take()
      try NetworkDevice.setVirtioNetHeader(odd.number, byteCount: 20)
      let plain = try NetworkDevice.open(.tun, name: "plain").take()
      var segmented = LinkOptions()
      segmented.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65535)
      return [odd.number, plain.number].map { number -> LinkError.Code? in
        do throws(LinkError) { _ = try FDEndpoint(takingOwnershipOf: number, options: segmented) } catch {
          return error.code
        }
        return nil
      }
    }
    #expect(codes == [.badDescriptor, .invalidArgument])
  }
}
