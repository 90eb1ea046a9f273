import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What a link does in software, with a link below that does as it is told.
struct SoftwareOffloadTests {
  /// Among them one with more segments than a batch of the stage holds.
  private static let samples = (0..<6).map { number in
    var sample = OffloadSample(number, payload: number == 3 ? 7000 : 600 + 10 * number)
    if sample.size > 0 { sample.size = 100 }
    return sample
  }
  private static let segmentCount = segmentCount(samples)
  private static func segmentCount(_ samples: some Collection<OffloadSample>) -> Int {
    samples.reduce(0) { $0 + $1.segmentCount }
  }

  /// Writes all samples. Whenever the link is full it gets room, and sends what was held back; as links do.
  private static func send(_ samples: [OffloadSample], on link: ScriptedLink, room: () -> Int) throws {
    var next = 0
    while true {
      let before = link.arrivals.count
      let full = link.script.withLock { $0.room == 0 }
      if full { link.change { $0.room = room() } }
      let isEmpty = link.flush()
      #expect(isEmpty == !link.software.holdsPackets)
      if next < samples.count { next += try link.write(samples[next...].prefix(3)) }
      if next == samples.count, !link.software.holdsPackets { return }
      guard !full || link.arrivals.count > before else {
        throw OffloadSample.Failure(description: "nothing moves at packet \(next), \(before) sent")
      }
    }
  }

  @Test func `with room for any number of packets at a time everything arrives`() throws {
    for room in Array(1...70) + [Self.segmentCount, 1000] {
      let link = ScriptedLink()
      link.change { $0.room = 0 }
      try Self.send(Self.samples, on: link) { room }
      try OffloadSample.check(link.arrivals, are: Self.samples)
      #expect(link.arrivals.allSatisfy { $0.offload == PacketOffload() })
      #expect(link.software.tally[.softwareOffload] == UInt64(Self.samples.count))
      #expect(link.software.tally.dropped == 0 && link.script.withLock { $0.refusals } == 0)
    }
  }

  @Test func `a batch of very many segments is taken in parts, with news of room after each`() throws {
    var large = OffloadSample(0, payload: 65_000)
    large.size = 64
    let samples = [OffloadSample(1), large, large, OffloadSample(2), large]
    let link = ScriptedLink()
    var (next, writes) = (0, 0)
    while next < samples.count {
      let before = link.arrivals.count
      next += try link.write(samples[next...])
      writes += 1
      #expect(link.arrivals.count - before < 256 + 1024)
      #expect(!link.software.holdsPackets)
      #expect(link.software.takeOwedRoom() == (next < samples.count))
      #expect(!link.software.takeOwedRoom())
    }
    #expect(writes == 3)
    try OffloadSample.check(link.arrivals, are: samples)
  }

  private static let steps: [(OffloadSupport, OffloadSupport)] = [
    (.all, []), (.all, .checksum), (.checksum, []), ([.checksum, .tcpOverIPv6], .checksum),
  ]

  @Test(arguments: steps)
  func `a link that steps down at any packet gets what it takes from then on`(
    _ offloads: OffloadSupport, _ lesser: OffloadSupport
  ) throws {
    for after in 0...Self.segmentCount where after < 10 || after % 7 == 0 {
      for room in [Int.max, 7] {
        let link = ScriptedLink()
        link.change { script in
          (script.offloads, script.room, script.stepDown) = (offloads, room, (after, lesser))
        }
        try Self.send(Self.samples, on: link) { room }
        let arrivals = link.arrivals
        try OffloadSample.check(arrivals, are: Self.samples)
        #expect(arrivals.prefix(after).allSatisfy { offloads.carries($0.offload) })
        #expect(arrivals.dropFirst(after).allSatisfy { lesser.carries($0.offload) })
        #expect(link.software.tally.dropped == 0 && link.script.withLock { $0.refusals } == 0)
      }
    }
  }

  @Test func `what waits at the end is counted, each segment`() throws {
    for room in 0...Self.segmentCount {
      let link = ScriptedLink()
      link.change { $0.room = room }
      let taken = try link.write(Self.samples)
      let written = Self.segmentCount(Self.samples[..<taken])
      #expect(link.software.holdsPackets == (link.arrivals.count < written))
      link.software.end()
      #expect(link.arrivals.count == min(room, written) && !link.software.holdsPackets)
      #expect(link.software.tally[.linkDown] == UInt64(written - link.arrivals.count), "room for \(room)")
      // The end comes once more, or a packet.
      link.software.end()
      let late = try link.write([OffloadSample(1)])
      #expect(late == 1)
      let lost = written - link.arrivals.count + OffloadSample(1).segmentCount
      #expect(link.software.tally[.linkDown] == UInt64(lost), "room for \(room)")
    }
  }

  @Test func `an MTU that is raised while segments wait holds for the next packet`() throws {
    for room in 1...30 where room % 3 == 1 {
      let link = ScriptedLink()
      link.change { ($0.mtu, $0.room) = (200, room) }
      var wide = OffloadSample(1, payload: 20_000)
      wide.size = 3000
      var samples = [Self.samples[3], wide, Self.samples[4], wide, Self.samples[5]]
      #expect(try link.write(samples[..<1]) == 1 && link.software.holdsPackets)
      link.change { $0.mtu = 4000 }
      samples[2].packet.payload += [UInt8](repeating: 5, count: 3000)
      try Self.send(Array(samples[1...]), on: link) { room }
      try OffloadSample.check(link.arrivals, are: samples, mtu: 4000)
    }
  }

  @Test func `packets that cannot be cut are counted, and hold nothing up`() throws {
    var liar = OffloadSample(0)
    liar.change = { $0.checksumOffset = 4 }
    var wide = OffloadSample(0)
    wide.size = 1461
    var samples = Self.samples
    let good = samples
    for at in [6, 5, 4, 0] { samples.insert(at % 2 == 0 ? liar : wide, at: at) }
    for room in [1, 3, 64, 1000] {
      let link = ScriptedLink()
      link.change { $0.room = 0 }
      try Self.send(samples, on: link) { room }
      try OffloadSample.check(link.arrivals, are: good)
      let tally = link.software.tally
      #expect(tally[.malformed] == 3 && tally[.oversize] == 1 && tally.dropped == 4)
      #expect(tally[.softwareOffload] == UInt64(good.count))
    }
  }

  private static func random(_ random: inout SeededRandom) -> OffloadSample {
    var sample = OffloadSample(
      Int.random(in: 0..<60_000, using: &random), payload: Int.random(in: 1...4000, using: &random))
    if sample.size > 0 { sample.size = Int.random(in: 30...1400, using: &random) }
    return sample
  }

  @Test func `whatever room there is and whatever is handed on, nothing is lost and the order is kept`() throws {
    var random = SeededRandom("software offload")
    let kinds: [OffloadSupport] = [.all, .checksum, [], [.checksum, .tcpOverIPv4, .tcpOverIPv6], [.checksum, .udp]]
    for _ in 0..<25 {
      let samples = (0..<Int.random(in: 1...70, using: &random)).map { _ in Self.random(&random) }
      let link = ScriptedLink()
      let offloads = kinds.randomElement(using: &random)!
      let lesser = kinds.randomElement(using: &random)!.intersection(offloads)
      let after = Int.random(in: 0...300, using: &random)
      link.change { ($0.offloads, $0.room, $0.stepDown) = (offloads, 0, (after, lesser)) }
      let most = [2, 10, 100, 1000].randomElement(using: &random)!
      try Self.send(samples, on: link) { Int.random(in: 1...most, using: &random) }
      #expect(throws: Never.self, "seed \(random.seed)") { try OffloadSample.check(link.arrivals, are: samples) }
      #expect(link.software.tally.dropped == 0 && link.script.withLock { $0.refusals } == 0, "seed \(random.seed)")
    }
  }

  @Test(arguments: [OffloadSupport.all, .checksum, []])
  func `several writers keep the order of their flows`(_ offloads: OffloadSupport) throws {
    let link = ScriptedLink()
    link.change { ($0.offloads, $0.room) = (offloads, 0) }
    let rows = (0..<4).map { writer in
      (0..<30).map { number in
        var sample = OffloadSample(number, payload: 500 + 37 * number)
        sample.packet.sourcePort = UInt16(writer)
        if sample.size > 0 { sample.size = 150 }
        return sample
      }
    }
    try concurrently(4) { writer in
      var next = 0
      do {
        while next < 30 {
          let taken = try link.write(rows[writer][next..<min(30, next + 5)])
          next += taken
          if taken > 0 { continue }
          link.change { $0.room += 7 }
          _ = link.flush()
        }
      } catch { Issue.record("\(error)") }
    }
    link.change { $0.room = .max }
    #expect(link.flush())
    for (writer, samples) in rows.enumerated() {
      let own = link.arrivals.filter { arrival in
        let transport = arrival.bytes[0] >> 4 == 6 ? 40 : 20
        return arrival.bytes[transport + 1] == UInt8(writer)
      }
      try OffloadSample.check(own, are: samples)
    }
  }
}
