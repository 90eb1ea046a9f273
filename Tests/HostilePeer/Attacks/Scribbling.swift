/// Memory that changes while it is read. What the link copied is what it checked; what it cannot make sense of ends it.
extension Attack {
  static let scribbling: [Attack] = [
    Attack("scribble-data", "the data areas change under packets", .scribbling, needsSender: true) { peer in
      let regions = [peer.dataOut, peer.dataIn]
      try peer.storm { random in
        scribble(regions, &random)
      } _: {
        peer.chatter()
      }
    },
    Attack("scribble-pipes", "random words in all four pipes", .scribbling, promise: .survives, needsSender: true) {
      peer in
      let pipes = [peer.sending.memory, peer.proofs.memory, peer.arrivals.memory, peer.credits.memory]
      try peer.storm { random in
        scribble(pipes, &random)
      } _: {
        peer.chatter()
      }
    },
    Attack("scribble-all", "random words everywhere", .scribbling, promise: .survives, needsSender: true) { peer in
      let regions = peer.regions
      try peer.storm { random in
        scribble(regions, &random)
      } _: {
        peer.chatter()
      }
    },
    Attack("fields-flip", "a packet's numbers flip between good and bad while it is read", .scribbling) { peer in
      let pipe = peer.sending.memory
      // Total, offset and size; not the number, or buffers would be lost for good. The messages of these packets are all
      // of one size, so that a field is never taken for a header.
      let (spots, size) = peer.victimRole == .server ? ([8, 16, 24], 40) : ([0, 8, 16], 48)
      try peer.storm { random in
        let slot = Int.random(in: 0..<pipe.byteCount / size, using: &random) * size
        guard let spot = spots.randomElement(using: &random) else { return }
        let old = pipe.load32(slot + 8 + spot)
        pipe.store32(UInt32(truncatingIfNeeded: random.hostileNumber()), slot + 8 + spot)
        pipe.store32(old, slot + 8 + spot)
      } _: {
        peer.chatter()
      }
    },
    Attack("headers-flip", "slot headers flip while they are read", .scribbling, promise: .survives, needsSender: true)
    {
      peer in
      let pipes = [peer.sending.memory, peer.proofs.memory, peer.arrivals.memory, peer.credits.memory]
      try peer.storm { random in
        guard let pipe = pipes.randomElement(using: &random) else { return }
        let place = Int.random(in: 0..<pipe.byteCount / 8, using: &random) * 8
        let old = pipe.load(place)
        for bit in [63, 62, 32, 16, 3] {
          pipe.store(old ^ 1 << UInt64(bit), place)
          pipe.store(old, place)
        }
      } _: {
        peer.chatter()
      }
    },
    Attack("rewind", "the pipes go back to what they were before", .scribbling, promise: .survives, needsSender: true) {
      peer in
      let pipes = [peer.sending.memory, peer.proofs.memory, peer.arrivals.memory, peer.credits.memory]
      let images = pipes.map { $0.read($0.byteCount, at: 0) }
      peer.storm {
        for _ in 0..<20 { peer.chatter() }
        for (pipe, image) in zip(pipes, images) { pipe.write(image, at: 0) }
      }
    },
    Attack("notification-flap", "the notification words flap", .scribbling, needsSender: true) { peer in
      let words = [peer.victimWord, peer.ownWord]
      try peer.storm { random in
        for word in words { word.store32([0, 1, 2, 3, .max].randomElement(using: &random)!, 0) }
      } _: {
        peer.chatter()
      }
    },
  ]

  @Sendable private static func scribble(_ regions: [RawMemory], _ random: inout SeededGenerator) {
    guard let region = regions.randomElement(using: &random) else { return }
    for _ in 0..<64 {
      region.store(random.hostileNumber(), Int.random(in: 0..<region.byteCount / 8, using: &random) * 8)
    }
  }
}
