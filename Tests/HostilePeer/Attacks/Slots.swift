import LinkSystem

/// The structure of the pipes. A message of the wrong length costs a packet; a ring that no writer makes ends the link.
extension Attack {
  private static let ring: UInt64 = 1 << 16

  static let slots: [Attack] = [
    Attack("slot-short", "messages shorter than their own header", .slots) { peer in
      for count in [1, 4, 7, 8, 9, 15, 16, 20, 27, 35] { try peer.say([UInt8](repeating: 0, count: count)) }
    },
    Attack("slot-long", "a good message with thousands of bytes behind it", .slots) { peer in
      for count in [1, 100, 5000, 32000, 60000] {
        guard let buffer = peer.takeBuffer() else { throw Complaint("no buffers left") }
        try peer.say(peer.message(total: 64, [buffer]) + [UInt8](repeating: 0xa5, count: count))
      }
    },
    Attack("slot-misaligned", "sizes that are no multiple of anything", .slots) { peer in
      for count in 1...130 { try peer.say([UInt8](repeating: 0xff, count: count)) }
    },
    Attack("slot-full-ring", "a ring full of messages of one byte", .slots) { peer in
      for _ in 0..<10_000 { try peer.say([1]) }
    },
    broken("slot-zero", "an empty message", [0]),
    broken("slot-outside", "a slot that passes the end of the ring", [ring, ring - 8, ring * 2, 0x7fff_ffff]),
    broken("slot-size-max", "sizes of 2^32 - 1 and beyond", [0xffff_ffff, 0xffff_fff8, 0x1_0000_0000, 0x7fff << 40]),
    broken("slot-unknown-bits", "header bits that mean nothing", [1 << 62 | 16, 1 << 32 | 16, 1 << 63 | 1 << 40 | 16]),
    Attack("wrap-storm", "a wrap slot behind every message", .slots) { peer in
      try peer.storm {
        try peer.say([1])
        for _ in 0..<2000 {
          if peer.sending.wrap() { break }
          peer.ring()
          HostilePeer.pause()
        }
      }
    },
    Attack("wrap-chain", "wrap slots without a message between them", .slots, promise: .closes) { peer in
      _ = peer.sending.wrap()
      // At offset 0 there is nothing to wrap.
      peer.sending.pushHeader((1 << 32) - 8, advance: 0)
      peer.ring()
    },
    Attack("wrap-wrong", "a wrap slot with another number than its place asks for", .slots, promise: .closes) { peer in
      let rest = ring - UInt64(peer.sending.offset)
      peer.sending.pushHeader(rest - 8 - UInt64(Int.random(in: 0...1, using: &peer.random)), advance: 0)
      peer.ring()
    },
    Attack("credits-broken", "an empty message in the pipe that answers", .slots, promise: .closes, needsSender: true) {
      peer in
      peer.credits.pushHeader(0)
      // It is seen by who wants to send.
      peer.chatterUntilOver()
    },
    Attack("freed-too-much", "more room given back than there was", .slots, promise: .closes) { peer in
      peer.proofs.memory.store(RawPipeWriter.free | 0xffff_fff0, 0)
      peer.floodUnanswered()
    },
    Attack("freed-unknown-bits", "room given back with bits that mean nothing", .slots, promise: .closes) { peer in
      peer.proofs.memory.store(RawPipeWriter.free | 1 << 45 | 8, 0)
      peer.floodUnanswered()
    },
    Attack("freed-in-pieces", "room given back in sizes that are nobody's", .slots, promise: .survives) { peer in
      peer.storm {
        let place = Int.random(in: 0..<Int(ring) / 8, using: &peer.random) * 8
        peer.proofs.memory.store(RawPipeWriter.free | UInt64.random(in: 0..<200, using: &peer.random), place)
        peer.chatter()
      }
    },
  ]

  /// One of these headers in the place of the next message.
  private static func broken(_ name: String, _ summary: String, _ headers: [UInt64]) -> Attack {
    Attack(name, summary, .slots, promise: .closes) { peer in
      peer.sending.pushHeader(headers.randomElement(using: &peer.random)!)
      peer.ring()
    }
  }
}

extension HostilePeer {
  /// Honest packets, for as long as a storm lasts.
  func chatterUntilOver() { storm { chatter() } }

  /// Honest packets whose proofs nobody gives back: the victim comes around its ring, and meets what was done to it.
  func floodUnanswered() {
    proofs.keepsSlots = true
    var progress = monotonicNanoseconds()
    while monotonicNanoseconds() &- progress < 300_000_000 {
      let count = proofs.kept.count
      for _ in 0..<256 where sendHonest() == nil { break }
      ring()
      collect()
      if proofs.kept.count == count { Self.pause() } else { progress = monotonicNanoseconds() }
    }
  }
}
