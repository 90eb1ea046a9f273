#if DEBUG
  import LinkCore
  import LinkSystem
  import Testing

  @testable import FDLink

  /// Headers as strangers may write them, and what becomes of their frames.
  struct VirtioNetInputTests {
    private static func input(isEthernet: Bool = false, trimsPadding: Bool = false) -> ReceiveInput {
      var options = LinkOptions(linkAddress: isEthernet ? PacketSocketTests.own : nil)
      options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 9000)
      var input = ReceiveInput(
        descriptor: -1, kind: .device, framing: LinkFraming(address: options.linkAddress, trimsPadding: trimsPadding),
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

    @Test func `facts about padding that is cut off are malformed`() {
      // As the kernel reports a tag beside the frame: TP_STATUS_VLAN_VALID.
      let tags = [nil, VLANTag(status: 1 << 4, information: 5, protocol: 0)]
      for (tag, checksumStart) in tags.flatMap({ tag in [14 + 20, 14 + 60].map { (tag, $0) } }) {
        let input = Self.input(isEthernet: true, trimsPadding: true)
        var header = VirtioNetHeader()
        header.flags = 1
        header.checksumStart = UInt16(checksumStart)
        header.checksumOffset = 16
        var packet = PacketPool(frameByteCount: 200, capacity: 1).makePacket(
          headroom: PacketBuffer.defaultHeadroom - 10)!
        packet.append(10) { header.write(to: &$0) }
        packet.append(14) { span in
          span[12] = 8
          span[13] = 0
        }
        // Of 100 bytes the packet has 60.
        packet.append(100) { span in
          span[0] = 0x45
          span[2] = 0
          span[3] = 60
        }
        let cause = input.dropCauseBehindHeader(&packet, 114, 200, tag)
        #expect(cause == (checksumStart < 14 + 60 ? nil : .malformed))
        if cause == nil { #expect(packet.frameByteCount == 14 + 60 + (tag == nil ? 0 : 4)) }
      }
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
