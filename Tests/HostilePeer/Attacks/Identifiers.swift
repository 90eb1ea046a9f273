/// The numbers that packets and buffers go by. Each side checks them against its own table.
extension Attack {
  static let identifiers: [Attack] = [
    Attack(
      "completion-unknown", "completions of packets that never were", .identifiers, victims: [.client],
      needsSender: true
    ) { peer in
      for identifier: UInt64 in [511, 512, 513, 65535, 65536, 1 << 31, 1 << 32, 1 << 63, .max] {
        peer.complete(identifier)
        peer.chatter()
      }
      peer.storm {
        peer.complete(peer.random.hostileNumber())
        if peer.random.chance(16) { peer.chatter() }
      }
    },
    Attack(
      "completion-twice", "every packet completed twice", .identifiers, victims: [.client], needsSender: true
    ) { peer in
      peer.storm {
        for identifier in 0..<64 { peer.complete(UInt64(identifier)) }
        peer.chatter()
      }
    },
    Attack(
      "completion-never", "no packet is ever completed, and the victim runs out of room", .identifiers,
      victims: [.client], needsSender: true
    ) { peer in
      peer.givesCredits = false
      peer.chatterUntilOver()
      try peer.demandCalm()
      peer.givesCredits = true
    },
    Attack(
      "completion-short", "completions of wrong lengths", .identifiers, victims: [.client], needsSender: true
    ) { peer in
      for count in [1, 4, 7, 9, 16, 4000] { _ = peer.credits.push([UInt8](repeating: 0, count: count)) }
      peer.chatterUntilOver()
    },
    Attack("buffer-unknown", "packets in buffers that were never posted", .identifiers, victims: [.client]) { peer in
      for identifier: UInt64 in [512, 513, 1 << 16, 1 << 31, 1 << 32, 1 << 63, .max] {
        try peer.say(total: 64, [Piece(offset: 0, size: 64, identifier: identifier)])
      }
    },
    Attack("buffer-twice", "one buffer in many packets, and twice in one", .identifiers, victims: [.client]) { peer in
      for _ in 0..<50 {
        guard let buffer = peer.takeBuffer() else { return }
        try peer.say(total: 128, [buffer, buffer])
        for _ in 0..<3 { try peer.say(total: 64, [buffer]) }
      }
    },
    Attack("packet-twice", "packets of one number, over and over", .identifiers, victims: [.server]) { peer in
      guard let buffer = peer.takeBuffer() else { return }
      for _ in 0..<3000 { try peer.say(total: 64, [buffer]) }
      peer.collect()
    },
    post("post-outside", "posted buffers outside the data area, of no and of giant size") { peer in
      Piece(
        offset: peer.random.hostileNumber(), size: UInt32(truncatingIfNeeded: peer.random.hostileNumber()),
        identifier: peer.random.hostileNumber())
    },
    post("post-twice", "one buffer posted over and over") { _ in Piece(offset: 0, size: 2048, identifier: 1) },
    post("post-tiny", "buffers of one byte") { peer in
      Piece(offset: peer.random.next() % 1000, size: 1, identifier: peer.random.next())
    },
    post("post-whole", "buffers of the whole data area") { peer in
      Piece(offset: 0, size: UInt32(peer.dataIn.byteCount), identifier: 3)
    },
    Attack(
      "post-never", "no buffer is posted again, and the victim runs out of room", .identifiers, victims: [.server],
      needsSender: true
    ) { peer in
      peer.givesCredits = false
      peer.chatterUntilOver()
      try peer.demandCalm()
      peer.givesCredits = true
    },
    Attack("proofs-undrained", "a completion pipe, or that of posted buffers, that never drains", .identifiers) {
      peer in
      peer.floodUnanswered()
      // It is left with a full pipe, and packets behind it.
      try peer.demandCalm()
      peer.proofs.release()
    },
    Attack("packets-undrained", "the victim's packets are never read", .identifiers, needsSender: true) { peer in
      peer.arrivals.keepsSlots = true
      peer.chatterUntilOver()
      try peer.demandCalm()
      peer.arrivals.release()
    },
  ]

  private static func post(
    _ name: String, _ summary: String, _ piece: @escaping @Sendable (HostilePeer) -> Piece
  ) -> Attack {
    Attack(name, summary, .identifiers, victims: [.server], needsSender: true) { peer in
      peer.storm {
        for _ in 0..<32 { peer.post(piece(peer)) }
        peer.chatter()
      }
    }
  }
}
