import LinkCore
import LinkTestSupport
import Testing

struct SegmenterTests {
  static func batch(_ frame: [UInt8], linkHeaderLength: Int = 0, _ offload: PacketOffload) -> PacketBatch {
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: max(frame.count, 64), capacity: 1))
    batch.append { packet in
      packet.append(frame.count) { for index in frame.indices { $0[index] = frame[index] } }
      packet.markLinkHeader(min(linkHeaderLength, frame.count))
      packet.facts.offload = offload
    }
    return batch
  }

  /// All segments, or why there are none.
  static func cut(
    _ frame: [UInt8], linkHeaderLength: Int = 0, _ offload: PacketOffload, mtu: Int = 1500,
    completesChecksums: Bool = true
  ) -> Result<[[UInt8]], OffloadFailure> {
    batch(frame, linkHeaderLength: linkHeaderLength, offload).withPacket(0) { packet in
      do throws(OffloadFailure) {
        var segmenter = try Segmenter(packet, mtu: mtu)
        segmenter.completesChecksums = completesChecksums
        #expect((1...Segmenter.mostSegments).contains(segmenter.segmentCount))
        #expect(segmenter.largestByteCount - linkHeaderLength <= mtu)
        var segments: [[UInt8]] = []
        var out = PacketBatch(
          capacity: 1, pool: PacketPool(frameByteCount: max(segmenter.largestByteCount, 64), capacity: 1))
        while !segmenter.isDone {
          out.removeAll()
          out.append { segmenter.cut(packet, into: &$0) }
          out.withPacket(0) { segment in
            #expect(segment.linkHeaderLength == linkHeaderLength)
            #expect(segment.facts.offload.segmentation == .none)
            #expect(segment.facts.offload.checksum == (completesChecksums ? .complete : .needed))
            segments.append(segment.withFrame { frame in frame.indices.map { frame[$0] } })
          }
        }
        #expect(segments.count == segmenter.segmentCount)
        return .success(segments)
      } catch { return .failure(error) }
    }
  }

  static func cause(_ frame: [UInt8], linkHeaderLength: Int = 0, _ offload: PacketOffload, mtu: Int = 1500)
    -> DropCause?
  {
    if case .failure(let failure) = cut(frame, linkHeaderLength: linkHeaderLength, offload, mtu: mtu) {
      return failure.cause
    }
    return nil
  }

  static func random(_ random: inout SeededRandom) -> (packet: InternetPacket, linkHeaderLength: Int) {
    var packet = InternetPacket()
    packet.isIPv6 = Bool.random(using: &random)
    packet.isTCP = Bool.random(using: &random)
    if packet.isIPv6 {
      for _ in 0..<Int.random(in: 0...2, using: &random) {
        let count = Int.random(in: 0...3, using: &random)
        packet.extensions.append(
          (type: [0, 60].randomElement(using: &random)!, [UInt8(count)] + random.bytes(6 + 8 * count)))
      }
      if Bool.random(using: &random) { packet.extensions.append((43, [0, 4, 0, 0, 0, 0, 0])) }
    } else {
      packet.networkOptions = random.bytes(4 * Int.random(in: 0...10, using: &random))
    }
    if packet.isTCP { packet.tcpOptions = random.bytes(4 * Int.random(in: 0...10, using: &random)) }
    packet.identification = UInt16.random(in: 0...UInt16.max, using: &random)
    packet.sequence = UInt32.random(in: 0...UInt32.max, using: &random)
    packet.flags = UInt8.random(in: 0...255, using: &random) & ~0x26
    packet.payload = random.bytes(Int.random(in: 0...9000, using: &random))
    let tags: [UInt16] = (0..<Int.random(in: 0...2, using: &random)).map { UInt16($0 + 5) }
    let isEthernet = Bool.random(using: &random)
    if isEthernet { packet.linkHeader = InternetPacket.ethernet(isIPv6: packet.isIPv6, tags: tags) }
    return (packet, isEthernet ? 14 : 0)
  }

  @Test func `segments carry the payload in order, each with right lengths and checksums`() throws {
    var random = SeededRandom("segments")
    for round in 0..<400 {
      let (packet, linkHeaderLength) = Self.random(&random)
      let size = Int.random(in: 8...1200, using: &random)
      let isPartial = round % 3 == 0
      let whole = packet.frame + random.bytes(round % 5 == 0 ? Int.random(in: 0...40, using: &random) : 0)
      let cut = Self.cut(
        whole, linkHeaderLength: linkHeaderLength,
        packet.offload(segmentByteCount: size, linkHeaderLength: linkHeaderLength), completesChecksums: !isPartial)
      if packet.payload.count > size * Segmenter.mostSegments {
        #expect(throws: OffloadFailure.self) { try cut.get() }
        continue
      }
      let segments = try cut.get()
      #expect(segments.count == max(1, (packet.payload.count + size - 1) / size), "seed \(random.seed)")
      var payload: [UInt8] = []
      for (index, frame) in segments.enumerated() {
        let segment = try #require(
          InternetPacket(frame, linkHeaderByteCount: packet.linkHeader.count, isChecksumPartial: isPartial),
          "seed \(random.seed), segment \(index) of \(packet)")
        let isLast = index + 1 == segments.count
        #expect(segment.payload.count == size || isLast, "seed \(random.seed)")
        #expect(segment.linkHeader == packet.linkHeader && segment.networkOptions == packet.networkOptions)
        #expect(segment.tcpOptions == packet.tcpOptions && segment.sourcePort == packet.sourcePort)
        #expect(segment.extensions.map { [$0.type] + $0.body } == packet.extensions.map { [$0.type] + $0.body })
        if !packet.isIPv6 { #expect(segment.identification == packet.identification &+ UInt16(index)) }
        if packet.isTCP {
          #expect(segment.sequence == packet.sequence &+ UInt32(payload.count), "seed \(random.seed)")
          let flags = packet.flags & ~(isLast ? 0 : 0x09) & ~(index == 0 ? 0 : 0x80)
          #expect(segment.flags == flags, "seed \(random.seed)")
        }
        payload += segment.payload
      }
      #expect(payload == packet.payload, "seed \(random.seed)")
    }
  }

  @Test func `an urgent pointer goes with its byte`() throws {
    var packet = InternetPacket()
    packet.payload = [UInt8](repeating: 7, count: 250)
    packet.flags = 0x30
    packet.urgentPointer = 150
    let frames = try Self.cut(packet.frame, packet.offload(segmentByteCount: 100, linkHeaderLength: 0)).get()
    let segments = frames.compactMap { InternetPacket($0, linkHeaderByteCount: 0) }
    #expect(segments.map(\.urgentPointer) == [150, 50, 0])
    #expect(segments.map(\.flags) == [0x30, 0x30, 0x10])
  }

  @Test func `facts that do not fit the packet are malformed`() {
    var packet = InternetPacket()
    packet.payload = [UInt8](repeating: 1, count: 3000)
    let good = packet.offload(segmentByteCount: 1000, linkHeaderLength: 0)
    #expect(Self.cause(packet.frame, good) == nil)
    var offload = good
    for kind in [PacketOffload.Segmentation.none, .udp, .tcpOverIPv6, .udpFragments] {
      offload.segmentation = kind
      #expect(Self.cause(packet.frame, offload) == .malformed, "\(kind)")
    }
    offload = good
    offload.checksumStart += 4
    #expect(Self.cause(packet.frame, offload) == .malformed)
    offload = good
    offload.checksumOffset = 6
    #expect(Self.cause(packet.frame, offload) == .malformed)
    // Nobody says where the checksum is: then the headers do.
    offload.checksum = .complete
    #expect(Self.cause(packet.frame, offload) == nil)
    offload = good
    for size: UInt16 in [0, 1, 2] {
      offload.segmentByteCount = size
      #expect(Self.cause(packet.frame, offload) == .malformed)
    }
    offload.segmentByteCount = 3
    #expect(Self.cause(packet.frame, offload) == nil)
    offload.segmentByteCount = 1461
    #expect(Self.cause(packet.frame, offload) == .oversize)
    #expect(Self.cause(packet.frame, offload, mtu: 1501) == nil)
    #expect(Self.cause(InternetPacket.ethernet(isIPv6: true) + packet.frame, linkHeaderLength: 14, good) == .malformed)
  }

  @Test func `headers that are not what they say are malformed`() {
    var packet = InternetPacket()
    packet.payload = [UInt8](repeating: 1, count: 3000)
    let frame = packet.frame
    func changed(_ changes: [Int: UInt8]) -> DropCause? {
      var other = frame
      for (index, byte) in changes { other[index] = byte }
      return Self.cause(other, packet.offload(segmentByteCount: 1000, linkHeaderLength: 0))
    }
    // Version, header length, total length, fragments, protocol, data offset, SYN, RST.
    for change: [Int: UInt8] in [
      [0: 0x65], [0: 0x44], [0: 0x46], [2: 0x40], [2: 0, 3: 39], [6: 0x20], [7: 1], [9: 17], [9: 47], [32: 0x40],
      [32: 0x10], [33: 0x12], [33: 0x14],
    ] {
      #expect(changed(change) == .malformed, "\(change)")
    }
    // Behind the total length there is padding only.
    #expect(changed([2: 2, 3: 0]) == nil)
    for count in 0..<40 {
      let part = Array(frame[..<count])
      #expect(Self.cause(part, packet.offload(segmentByteCount: 1000, linkHeaderLength: 0)) == .malformed)
    }
  }

  @Test func `what cannot be cut over IPv6 is malformed`() {
    var packet = InternetPacket()
    packet.isIPv6 = true
    packet.payload = [UInt8](repeating: 1, count: 3000)
    // A fragment, an authenticated packet, a route to go on, a chain without end.
    let chains: [[(type: UInt8, body: [UInt8])]] = [
      [(44, [0, 0, 1, 0, 0, 0, 0])], [(51, [0, 0, 0, 0, 0, 0, 0])], [(43, [0, 4, 1, 0, 0, 0, 0])],
      [(type: UInt8, body: [UInt8])](repeating: (60, [0, 0, 0, 0, 0, 0, 0]), count: 9),
    ]
    for chain in chains {
      packet.extensions = chain
      let offload = packet.offload(segmentByteCount: 1000, linkHeaderLength: 0)
      #expect(Self.cause(packet.frame, offload) == .malformed, "\(chain)")
    }
  }

  @Test func `whatever the bytes and the facts say, nothing traps and the work is bounded`() {
    var random = SeededRandom("hostile segments")
    for _ in 0..<3000 {
      let (packet, linkHeaderLength) = Self.random(&random)
      var frame = packet.frame
      for _ in 0..<Int.random(in: 0...6, using: &random) {
        let most = Bool.random(using: &random) ? frame.count : min(frame.count, 100)
        frame[Int.random(in: 0..<most, using: &random)] = UInt8.random(in: 0...255, using: &random)
      }
      if Int.random(in: 0..<4, using: &random) == 0 {
        frame.removeLast(Int.random(in: 0...frame.count, using: &random))
      }
      var offload = packet.offload(segmentByteCount: 500, linkHeaderLength: linkHeaderLength)
      let kinds: [PacketOffload.Segmentation] = [.none, .tcpOverIPv4, .tcpOverIPv6, .udp, .udpFragments]
      if Int.random(in: 0..<3, using: &random) == 0 { offload.segmentation = kinds.randomElement(using: &random)! }
      let ranges: [ClosedRange<UInt16>] = [0...4, 0...1500, 0...UInt16.max]
      offload.segmentByteCount = .random(in: ranges.randomElement(using: &random)!, using: &random)
      if Int.random(in: 0..<3, using: &random) == 0 {
        offload.checksumStart = .random(in: ranges.randomElement(using: &random)!, using: &random)
        offload.checksumOffset = .random(in: ranges.randomElement(using: &random)!, using: &random)
      }
      _ = Self.cut(frame, linkHeaderLength: min(linkHeaderLength, frame.count), offload)
      var batch = Self.batch(frame, linkHeaderLength: linkHeaderLength, offload)
      batch.modify(0) { packet in
        do throws(OffloadFailure) {
          try packet.finishChecksum()
          #expect(packet.facts.offload.checksum != .needed)
        } catch { #expect(error.cause == .malformed) }
      }
    }
  }
}

struct FinishedChecksumTests {
  @Test func `a checksum that is needed is computed where the facts say`() throws {
    var random = SeededRandom("finish")
    for _ in 0..<200 {
      let (packet, linkHeaderLength) = SegmenterTests.random(&random)
      var batch = SegmenterTests.batch(
        packet.frame, linkHeaderLength: linkHeaderLength,
        packet.offload(segmentByteCount: 0, linkHeaderLength: linkHeaderLength))
      try batch.modify(0) { packet throws(OffloadFailure) in try packet.finishChecksum() }
      let frame = batch.withPacket(0) { packet in packet.withFrame { frame in frame.indices.map { frame[$0] } } }
      let read = InternetPacket(frame, linkHeaderByteCount: packet.linkHeader.count)
      #expect(read?.payload == packet.payload, "seed \(random.seed)")
      #expect(batch.withPacket(0) { $0.facts.offload } == PacketOffload())
    }
  }

  @Test func `a sum of zero is stored as all ones`() throws {
    var packet = InternetPacket()
    packet.isTCP = false
    packet.payload = [0, 0]
    // What is missing to all ones, so that its complement is zero.
    let sum = InternetPacket.sum(packet.frame[20...])
    packet.payload = InternetPacket.bytes(0xffff - sum)
    var batch = SegmenterTests.batch(packet.frame, packet.offload(segmentByteCount: 0, linkHeaderLength: 0))
    try batch.modify(0) { packet throws(OffloadFailure) in try packet.finishChecksum() }
    #expect(batch.withBytes(of: 0) { [$0[26], $0[27]] } == [0xff, 0xff])
  }

  @Test func `a place outside of the packet is malformed`() {
    var offload = PacketOffload()
    offload.checksum = .needed
    let places: [(UInt16, UInt16)] = [(0, 39), (39, 0), (40, 0), (20, 19), (.max, .max), (0, .max)]
    for (start, offset) in places {
      (offload.checksumStart, offload.checksumOffset) = (start, offset)
      var batch = SegmenterTests.batch([UInt8](repeating: 1, count: 40), offload)
      #expect(throws: OffloadFailure.self) {
        try batch.modify(0) { packet throws(OffloadFailure) in try packet.finishChecksum() }
      }
      #expect(batch.withPacket(0) { $0.facts.offload } == offload)
      #expect(batch.withBytes(of: 0) { bytes in bytes.indices.allSatisfy { bytes[$0] == 1 } })
    }
  }
}
