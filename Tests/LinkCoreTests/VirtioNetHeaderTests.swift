import LinkCore
import LinkTestSupport
import Testing

/// TCP over IPv4 in an Ethernet frame, to be cut and summed.
private var segmented: PacketOffload {
  var offload = PacketOffload()
  offload.segmentation = .tcpOverIPv4
  offload.checksum = .needed
  offload.checksumStart = 20
  offload.checksumOffset = 16
  offload.segmentByteCount = 1460
  offload.headerByteCount = 40
  return offload
}

private func bytes(of header: VirtioNetHeader) -> [UInt8] {
  var bytes = [UInt8](repeating: 0xee, count: VirtioNetHeader.mergeableByteCount)
  var span = bytes.mutableSpan
  header.write(to: &span)
  return bytes
}

private func read(_ bytes: [UInt8]) -> VirtioNetHeader? { VirtioNetHeader(bytes.span) }

/// What ten bytes mean in front of a frame of 100 bytes with an Ethernet header.
private func meaning(_ bytes: [UInt8]) -> PacketOffload? {
  read(bytes)?.offload(frameByteCount: 100, linkHeaderLength: 14)
}

@Suite struct `A virtio-net header` {
  @Test func `has the ten bytes of the standard, little endian, with positions from the frame's start`() {
    let header = VirtioNetHeader(segmented, linkHeaderLength: 14)
    #expect(bytes(of: header) == [1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0, 0xee, 0xee])
    #expect(read(bytes(of: header)) == header)
    #expect((0..<10).map { header[$0] } == [1, 1, 54, 0, 0xb4, 5, 34, 0, 16, 0])
    #expect(bytes(of: VirtioNetHeader(PacketOffload(), linkHeaderLength: 14)).prefix(10).allSatisfy { $0 == 0 })
  }

  @Test func `is none when there are fewer than ten bytes`() {
    for count in 0..<10 { #expect(read([UInt8](repeating: 0, count: count)) == nil) }
  }

  @Test func `says on the way in what was said on the way out`() {
    var random = SeededRandom("virtio-net header")
    for _ in 0..<2000 {
      var offload = PacketOffload()
      let linkHeader = [0, 14].randomElement(using: &random)!
      offload.segmentation = [.none, .tcpOverIPv4, .tcpOverIPv6, .udp, .udpFragments].randomElement(using: &random)!
      if offload.segmentation != .none { offload.segmentByteCount = .random(in: 1...UInt16.max, using: &random) }
      switch offload.segmentation {
      case .tcpOverIPv4, .tcpOverIPv6: offload.marksCongestion = .random(using: &random)
      case .none, .udp, .udpFragments: break
      }
      offload.headerByteCount = .random(in: 0...100, using: &random)
      offload.checksum = [.complete, .verified, .needed].randomElement(using: &random)!
      if offload.checksum == .needed {
        offload.checksumStart = .random(in: 0...60, using: &random)
        offload.checksumOffset = .random(in: 0...38, using: &random)
      }
      let header = VirtioNetHeader(offload, linkHeaderLength: linkHeader)
      let back = header.offload(frameByteCount: 100 + linkHeader, linkHeaderLength: linkHeader)
      #expect(back == offload, "seed \(random.seed)")
    }
  }

  @Test(
    arguments: [
      // Kinds of segmentation that there are not.
      [1, 2, 54, 0, 1, 0, 34, 0, 16, 0], [1, 6, 54, 0, 1, 0, 34, 0, 16, 0], [1, 0x41, 54, 0, 1, 0, 34, 0, 16, 0],
      // Congestion without TCP.
      [0, 0x80, 0, 0, 0, 0, 0, 0, 0, 0], [0, 0x83, 0, 0, 1, 0, 0, 0, 0, 0], [0, 0x85, 0, 0, 1, 0, 0, 0, 0, 0],
      // Segments of nothing.
      [1, 1, 54, 0, 0, 0, 34, 0, 16, 0],
      // Headers longer than the frame.
      [0, 0, 101, 0, 0, 0, 0, 0, 0, 0], [0, 0, 0xff, 0xff, 0, 0, 0, 0, 0, 0],
      // A checksum that begins in the link header, ends behind the frame, or would overflow 16 bits.
      [1, 0, 0, 0, 0, 0, 13, 0, 16, 0], [1, 0, 0, 0, 0, 0, 34, 0, 65, 0], [1, 0, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xff],
    ] as [[UInt8]])
  func `is refused when it says what cannot be`(claim: [UInt8]) { #expect(meaning(claim) == nil) }

  @Test func `is taken with what does not matter, and at its limits`() {
    #expect(meaning([0, 0, 0, 0, 0, 0, 0, 0, 0, 0]) == PacketOffload())
    // Unknown flags, a segment size without segmentation, a place without a checksum, a hint shorter than the link header.
    #expect(meaning([0xf8, 0, 13, 0, 9, 9, 9, 9, 9, 9]) == PacketOffload())
    #expect(meaning([1, 0, 100, 0, 0, 0, 34, 0, 64, 0])?.checksumOffset == 64)
    #expect(meaning([1, 0, 100, 0, 0, 0, 14, 0, 0, 0])?.checksumStart == 0)
    #expect(meaning([2, 0, 0, 0, 0, 0, 0, 0, 0, 0])?.checksum == .verified)
    #expect(meaning([3, 0, 0, 0, 0, 0, 14, 0, 0, 0])?.checksum == .needed)
    #expect(meaning([1, 0x84, 54, 0, 1, 0, 34, 0, 16, 0])?.marksCongestion == true)
  }

  @Test func `never points outside its frame, whatever it claims`() {
    var random = SeededRandom("virtio-net claims")
    for _ in 0..<20_000 {
      let claim = (0..<10).map { _ in
        UInt8.random(in: 0...255, using: &random) & [0xff, 0x7f, 7, 1].randomElement(using: &random)!
      }
      let size = Int.random(in: 14...300, using: &random)
      guard let offload = read(claim)?.offload(frameByteCount: size, linkHeaderLength: 14) else {
        continue
      }
      if offload.checksum == .needed {
        #expect(Int(offload.checksumStart) + Int(offload.checksumOffset) + 2 <= size - 14, "seed \(random.seed)")
      }
      #expect(Int(offload.headerByteCount) <= size - 14, "seed \(random.seed)")
      #expect((offload.segmentByteCount > 0) == (offload.segmentation != .none), "seed \(random.seed)")
    }
  }
}
