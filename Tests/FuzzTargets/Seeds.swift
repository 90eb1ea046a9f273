import LinkQueue

/// Where a fuzzer begins: honest traffic, as this package and as other implementations lay it out, and one lie of each
/// kind.
extension FuzzTarget {
  package var seeds: [Seed] {
    switch self {
    case .pipe: Self.pipeSeeds
    case .serverReceive: Self.packetSeeds
    case .clientTransmit: Self.completionSeeds
    case .serverTransmit: Self.postSeeds
    case .clientReceive: Self.receivedSeeds
    case .handOver: Self.handOverSeeds
    case .linkHeaders:
      [
        Seed("virtio", [1, 1, 54, 0, 100, 0, 34, 0, 16, 0] + [UInt8](repeating: 0, count: 90)),
        Seed("frame", [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0, 0x45, 0]), Seed("runt", [2, 0, 0]),
      ]
    case .segmentation: Self.segmentationSeeds
    case .gro: Self.coalescingSeeds
    }
  }

  /// Sizes of buffers, per geometry of `QueueMemory`.
  private static let bufferByteCounts = [64, 256, 64, 100]
  /// Headers that a peer may choose to do harm.
  private static let badHeaders: [UInt64] = [
    0, 0xffff_fff8, 0xffff_ffff, 1 << 32 | 8, (1 << 63) - 1, 1 << 63, 1 << 63 | 0xffff_fff9, 1 << 63 | 1 << 40, .max,
  ]

  private static var pipeSeeds: [Seed] {
    let honest = [0, 3, 40, 250].map { size in
      // Messages that grow, so that each wrap meets another place.
      Seed("honest-\(size)", [UInt8(size)] + (0..<24).flatMap { [0, UInt8($0), 0, 7, 1, 5, 3, 3, 4, 6] })
    }
    let lies = badHeaders.indices.map { index in
      Seed("lie-\(index)", [32, 0, 7, 1, 7, 0] + Seed.bytes(badHeaders[index], 8) + [3, 4, 0, 7, 1, 6, 3, 3])
    }
    let twice = Seed("read-twice", [32, 0, 7, 1, 8, 0] + Seed.bytes(1 << 62, 8) + [3, 3, 4, 0, 7, 1, 3])
    // A message that grows over what was not given back yet, behind a wrap.
    let over = Seed("reaches-over", [32, 0, 7, 1, 3, 4, 0, 23, 1, 3, 0, 7, 1, 7, 0] + Seed.bytes(16, 8) + [3, 4, 3])
    return honest + lies + [twice, over]
  }

  private static var packetSeeds: [Seed] {
    bufferByteCounts.indices.flatMap { geometry in
      let size = bufferByteCounts[geometry]
      let frames = (0..<8).map { 1 + 37 * $0 }
      let honest = frames.map { total in
        Seed.packet(UInt64(total), total: total, parts(total, size).map { ($0 * size, min(size, total - $0 * size)) })
      }
      let foreign = frames.map { total in
        Seed.packet(UInt64(total) << 32, total: total, parts(total, size).map { ((5 - $0) * size, size) })
      }
      let lies = [
        Seed.packet(1, total: 0, [(0, 64)]), Seed.packet(1, total: 10, [(1527, 10)]),
        Seed.packet(1, total: 10, [(.max, 10)]), Seed.packet(1, total: 100, [(0, 0), (0, 0), (0, 99)]), [1, 2, 3],
      ]
      return [("honest", honest), ("whole-buffers", foreign), ("lies", lies)].map { name, messages in
        receiving(name, geometry, messages)
      }
    }
  }

  private static var receivedSeeds: [Seed] {
    bufferByteCounts.indices.flatMap { geometry in
      let size = bufferByteCounts[geometry]
      let frames = (0..<8).map { 1 + 37 * $0 }
      let honest = frames.map { total in
        Seed.received(
          total: total, parts(total, size).map { ($0 * size, min(size, total - $0 * size), UInt64($0)) })
      }
      // Rounded up to whole buffers, total included.
      let padded = frames.filter { parts($0, size).count * size <= 300 }.map { total in
        Seed.received(
          total: parts(total, size).count * size, parts(total, size).map { ((5 - $0) * size, size, UInt64(5 - $0)) })
      }
      let lies = [
        Seed.received(total: 10, [(0, 10, 99)]), Seed.received(total: 10, [(size, 10, 0)]),
        Seed.received(total: 10, [(0, 257, 0)]), Seed.received(total: 10, [(0, 9, 0)]),
        Seed.received(total: 30, [(0, 1, 0), (0, 1, 0), (0, 28, 0)]), [1, 2, 3],
      ]
      return [("honest", honest), ("padded", padded), ("lies", lies)].map { name, messages in
        receiving(name, geometry, messages)
      }
    }
  }

  private static var completionSeeds: [Seed] {
    bufferByteCounts.indices.flatMap { geometry in
      [("honest", [0, 1, 2, 3, 4, 5]), ("backwards", [5, 4, 3, 2, 1, 0]), ("lies", [0, 0, 77, 1 << 32, .max])].map {
        (name: String, identifiers: [UInt64]) in
        var seed = Seed(name, geometry: geometry)
        for round in 0..<6 {
          seed.send([1 + round, 60 + 30 * round, 300])
          for identifier in identifiers { seed.push(Seed.bytes(identifier, 8)) }
          finish(&seed, round)
        }
        return seed
      }
    }
  }

  private static var postSeeds: [Seed] {
    bufferByteCounts.indices.flatMap { geometry in
      let size = bufferByteCounts[geometry]
      let honest = (0..<12).map { Seed.post(offset: $0 % 6 * size, size: size, identifier: UInt64($0)) }
      let lies = [
        Seed.post(offset: 1536, size: 1, identifier: 1), Seed.post(offset: 0, size: 0, identifier: 1),
        Seed.post(offset: .max, size: 64, identifier: 1), Seed.post(offset: 1440, size: 97, identifier: 1), [1, 2, 3],
        Seed.post(offset: 7, size: 1, identifier: .max), Seed.post(offset: 7, size: 300, identifier: .max),
      ]
      return [("honest", honest), ("lies", lies)].map { name, posts in
        var seed = Seed(name, geometry: geometry)
        for round in 0..<6 {
          for post in posts { seed.push(post) }
          finish(&seed, round)
          for count in [1, 60 + 30 * round, 300] { seed.send([count]) }
        }
        return seed
      }
    }
  }

  private static var handOverSeeds: [Seed] {
    let head = Array("SWLINK".utf8) + [1, 0]
    let sizes = [1 << 20, 1 << 16, 1 << 16, 4096].flatMap { Seed.bytes($0, 4) }
    let offer = head + Seed.bytes(1500, 4) + Seed.bytes(2048, 4) + Seed.bytes(0, 8) + sizes + sizes
    let whole: [UInt8] = [5]
    return [
      Seed("offer", [0] + whole + offer), Seed("five-descriptors", [0, 1, 5] + offer),
      Seed("eleven-descriptors", [0, 2, 11] + offer), Seed("another-kind", [0, 3, 2] + offer),
      Seed("another-order", [0, 4, 0, 2] + offer), Seed("short-offer", [0] + whole + offer.dropLast()),
      Seed("another-version", [0] + whole + Array("SWLINK".utf8) + [2, 0]),
      Seed("accepted", [1, 0] + head + Seed.bytes(0, 4)), Seed("refused", [1, 0] + head + Seed.bytes(3, 4)),
      Seed("unknown-verdict", [1, 0] + head + Seed.bytes(9, 4)),
      Seed("hello", [2, 0] + head + Seed.bytes(0, 8)), Seed("another-role", [2, 0] + head + Seed.bytes(1, 8)),
      Seed("with-descriptors", [1, 5] + head + [0, 0, 0, 0]),
    ]
  }

  /// The numbers of the buffers that a frame takes.
  private static func parts(_ byteCount: Int, _ buffer: Int) -> Range<Int> { 0..<(byteCount + buffer - 1) / buffer }

  /// All messages twice, then a broken pipe.
  private static func receiving(_ name: String, _ geometry: Int, _ messages: [[UInt8]]) -> Seed {
    var seed = Seed(name, geometry: geometry)
    for (number, message) in (messages + messages).enumerated() {
      seed.push(message)
      if number % 3 == 2 {
        finish(&seed, number)
        seed.receive(atMost: 1 + number % 8)
      }
    }
    if name == "lies" {
      for (word, header) in badHeaders.enumerated() {
        seed.scribble(word * 2, header)
        seed.receive(atMost: 8)
      }
    }
    return seed
  }

  /// What the far end does around its messages.
  private static func finish(_ seed: inout Seed, _ round: Int) {
    seed.publish()
    seed.look()
    if round % 2 == 0 { seed.giveBack() }
  }
}
