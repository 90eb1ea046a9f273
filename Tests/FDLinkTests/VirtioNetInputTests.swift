#if DEBUG
  import LinkCore
  import Testing

  @testable import FDLink

  /// Headers as strangers may write them, and what becomes of their frames.
  struct VirtioNetInputTests {
    private static func input(isEthernet: Bool = false) -> ReceiveInput {
      var options = LinkOptions(linkAddress: isEthernet ? PacketSocketTests.own : nil)
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 9000)
      var input = ReceiveInput(
        descriptor: -1, kind: .device, framing: LinkFraming(address: options.linkAddress),
        offloading: Offloading(headerByteCount: 10, options), FDOptions())
      input.frameLimit = 1500
      return input
    }

    /// What becomes of a frame of `byteCount` bytes behind this header.
    private static func judge(_ header: VirtioNetHeader, byteCount: Int, room: Int = 9000) -> (
      DropCause?, PacketOffload
    ) {
      let input = input()
      let pool = PacketPool(frameByteCount: 10_000, capacity: 1)
      var packet = pool.makePacket(headroom: PacketBuffer.defaultHeadroom - 10)!
      packet.append(10) { header.write(to: &$0) }
      packet.append(byteCount) { span in if byteCount > 0 { span[0] = 0x45 } }
      let cause = input.dropCauseBehindHeader(&packet, byteCount, room, nil)
      if cause == nil {
        #expect(packet.frameByteCount == byteCount && packet.headroom == PacketBuffer.defaultHeadroom)
      }
      return (cause, packet.facts.offload)
    }

    private static var good: VirtioNetHeader {
      var header = VirtioNetHeader()
      header.flags = 1
      header.segmentationType = 1
      header.segmentByteCount = 1000
      header.checksumStart = 20
      header.checksumOffset = 16
      header.headerByteCount = 40
      return header
    }

    @Test func `a good header becomes facts`() {
      let (cause, offload) = Self.judge(Self.good, byteCount: 9000)
      #expect(cause == nil && offload.segmentation == .tcpOverIPv4 && offload.checksum == .needed)
      #expect(offload.checksumStart == 20 && offload.segmentByteCount == 1000)
    }

    @Test func `frames above the MTU need segmentation`() {
      #expect(Self.judge(VirtioNetHeader(), byteCount: 1500).0 == nil)
      #expect(Self.judge(VirtioNetHeader(), byteCount: 1501).0 == .oversize)
      #expect(Self.judge(Self.good, byteCount: 9001).0 == .oversize)
      #expect(Self.judge(Self.good, byteCount: 5000, room: 4999).0 == .truncated)
    }

    @Test func `what a header cannot say is malformed`() {
      var headers = [VirtioNetHeader](repeating: Self.good, count: 5)
      headers[0].segmentationType = 2
      headers[1].segmentByteCount = 0
      headers[2].checksumStart = 1490
      headers[3].headerByteCount = 1501
      headers[4].segmentationType = 0x85
      for header in headers { #expect(Self.judge(header, byteCount: 1500).0 == .malformed) }
    }

    @Test func `a frame without a byte is a runt`() {
      for byteCount in [-10, -1, 0] {
        let input = Self.input()
        var packet = PacketPool(frameByteCount: 100, capacity: 1).makePacket()!
        #expect(input.dropCauseBehindHeader(&packet, byteCount, 9000, nil) == .runt)
      }
      #expect(Self.judge(VirtioNetHeader(), byteCount: 1).0 == nil)
    }
  }
#endif
