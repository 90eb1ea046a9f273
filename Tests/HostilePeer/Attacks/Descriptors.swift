/// Packets whose numbers lie. They cost the attacker the packets; the link goes on.
extension Attack {
  static let descriptors: [Attack] = [
    lie("offset-beyond", "a buffer behind the end of the data area") { peer, buffer in
      let size = UInt64(peer.dataOut.byteCount)
      return [size, size - 4, size + 8, 2 * size, 1 << 31].map { Claim(64, buffer, at: $0) }
    },
    lie("offset-overflow-32", "offset and size whose sum passes 2^32") { _, buffer in
      [(1 << 32) - 1, (1 << 32) - 32, (1 << 32) - 64, 1 << 32, 0xffff_f000].map { Claim(64, buffer, at: $0) }
    },
    lie("offset-overflow-64", "offset and size whose sum passes 2^64") { _, buffer in
      [.max, .max - 31, .max - 63, 1 << 63, .max << 32].map { Claim(64, buffer, at: $0) }
    },
    lie("size-zero", "a packet of no bytes, and one in buffers of none") { _, buffer in
      let empty = Piece(offset: buffer.offset, size: 0, identifier: buffer.identifier)
      return [
        Claim(0, [buffer]), Claim(0, [empty]), Claim(64, [empty]), Claim(64, [empty, empty, empty]),
      ]
    },
    lie("size-max", "sizes of 2^31, 2^32 - 1 and around the largest frame") { _, buffer in
      let sizes: [UInt32] = [.max, .max - 7, 1 << 31, (1 << 31) - 1, 65536, 65537, 1501]
      return sizes.flatMap { size in
        let piece = Piece(offset: buffer.offset, size: size, identifier: buffer.identifier)
        return [Claim(size, [piece]), Claim(64, [piece])]
      }
    },
    lie("total-too-large", "a total larger than the buffers of the packet") { _, buffer in
      let small = Piece(offset: buffer.offset, size: 64, identifier: buffer.identifier)
      return [Claim(65, [small]), Claim(1500, [small]), Claim(200, [small, small, small]), Claim(.max, [small])]
    },
    Attack("buffers-many", "thousands of buffers in one packet", .descriptors) { peer in
      guard let buffer = peer.takeBuffer() else { return }
      for count in [1, 50, 700, 2000] {
        for size in [0, 1, 2048] as [UInt32] {
          let piece = Piece(offset: buffer.offset, size: size, identifier: buffer.identifier)
          try peer.say(total: 1500, [Piece](repeating: piece, count: count))
        }
      }
    },
    Attack("descriptors-random", "a storm of packets with random numbers", .descriptors) { peer in
      try peer.storm {
        let pieces = (0..<Int.random(in: 0...4, using: &peer.random)).map { _ in
          Piece(
            offset: peer.random.hostileNumber(), size: UInt32(truncatingIfNeeded: peer.random.hostileNumber()),
            identifier: peer.random.hostileNumber())
        }
        try peer.say(total: UInt32(truncatingIfNeeded: peer.random.hostileNumber()), pieces)
        // As a server it has to keep some buffers that the victim knows.
        if peer.random.chance(8) { peer.chatter() }
      }
    },
  ]

  /// Every packet of a short list, each in a good buffer's name.
  private static func lie(
    _ name: String, _ summary: String,
    _ packets: @escaping @Sendable (HostilePeer, Piece) -> [Claim]
  ) -> Attack {
    Attack(name, summary, .descriptors) { peer in
      // The list needs a buffer to know its length.
      let sample = Piece(offset: 0, size: 2048, identifier: 0)
      for index in packets(peer, sample).indices {
        guard let buffer = peer.takeBuffer() else { throw Complaint("no buffers left") }
        let packet = packets(peer, buffer)[index]
        try peer.say(total: packet.total, packet.pieces)
      }
    }
  }
}

/// What a packet says of itself.
private struct Claim {
  var total: UInt32
  var pieces: [Piece]

  init(_ total: UInt32, _ pieces: [Piece]) {
    self.total = total
    self.pieces = pieces
  }

  /// All of it in one buffer, said to be at another place.
  init(_ total: UInt32, _ buffer: Piece, at offset: UInt64) {
    self.init(total, [Piece(offset: offset, size: total, identifier: buffer.identifier)])
  }
}

/// Why an attack could not be carried out.
struct Complaint: Error, CustomStringConvertible {
  let description: String
  init(_ description: String) { self.description = description }
}

extension HostilePeer {
  /// Sends a message as soon as there is room for it.
  func say(total: UInt32, _ pieces: [Piece]) throws { try say(message(total: total, pieces)) }

  func say(_ payload: [UInt8], claimedByteCount: UInt64? = nil) throws {
    for _ in 0..<2000 {
      if sending.push(payload, claimedByteCount: claimedByteCount) {
        ring()
        collect()
        return
      }
      ring()
      collect()
      Self.pause()
    }
    throw Complaint("the victim does not take messages any more")
  }
}
