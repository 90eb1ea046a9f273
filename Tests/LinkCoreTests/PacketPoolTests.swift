import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct PacketPoolTests {
  @Test func `a pool has as many packets as it says and no more`() {
    let pool = PacketPool(chunkByteCount: 256, capacity: 3)
    var batch = PacketBatch(capacity: 4, pool: pool)
    #expect(!pool.hasPacket)
    for index in 0..<4 {
      let isAdded = batch.add([1])
      #expect(isAdded == (index < 3), "packet \(index)")
    }
    let first = batch.take(0)
    #expect(!pool.hasPacket)
    _ = consume first
    #expect(pool.hasPacket)
  }

  @Test func `a packet has the size it was promised`() {
    let pool = PacketPool(frameByteCount: 1514, capacity: 1)
    let packet = pool.makePacket()!
    let (headroom, tailroom) = (packet.headroom, packet.tailroom)
    #expect(headroom == PacketBuffer.defaultHeadroom)
    #expect(tailroom == 1514)
    #expect(pool.chunkByteCount == 1514 + PacketBuffer.defaultHeadroom)
  }

  @Test func `the smallest chunks have headroom that fits`() {
    let pool = PacketPool(chunkByteCount: 64, capacity: 2)
    var batch = PacketBatch(capacity: 1, pool: pool)
    let isAdded = batch.append(headroom: 64) { _ in }
    #expect(isAdded)
    let packet = pool.makePacket(headroom: 0)!
    let tailroom = packet.tailroom
    #expect(tailroom == 64)
  }

  @Test func `facts do not survive into the next packet of a chunk`() {
    let pool = PacketPool(chunkByteCount: 256, capacity: 1)
    var first = pool.makePacket()!
    first.facts.flowHash = 7
    first.facts.networkProtocol = .arp
    first.facts.remoteAddress = .broadcast
    _ = consume first
    let second = pool.makePacket()!
    let facts = second.facts
    #expect(facts.flowHash == 0)
    #expect(facts.networkProtocol == .unknown)
    #expect(facts.remoteAddress == nil)
  }

  @Test func `chunks do not overlap`() {
    let pool = PacketPool(chunkByteCount: 100, capacity: 64)
    var batch = PacketBatch(capacity: 64, pool: pool)
    for number in 0..<64 {
      batch.append(headroom: 0) { packet in
        packet.append(100) { bytes in for index in 0..<100 { bytes[index] = UInt8(number) } }
      }
    }
    for number in 0..<64 {
      batch.withBytes(of: number) { bytes in
        let isIntact = bytes.count == 100 && bytes.indices.allSatisfy { bytes[$0] == UInt8(number) }
        #expect(isIntact)
      }
    }
  }

  @Test func `packets outlive their pool`() {
    weak var gone: PacketPool?
    var kept: PacketBuffer?
    do {
      let pool = PacketPool(chunkByteCount: 256, capacity: 4)
      gone = pool
      kept = pool.makePacket()
      let second = pool.makePacket()!
      kept!.appendBytes([1, 2, 3])
      _ = consume second
    }
    #expect(gone == nil)
    let packet = kept.take()!
    let bytes = packet.bytes
    #expect(bytes == [1, 2, 3])
  }

  @Test func `nobody is woken while there are packets`() {
    let pool = PacketPool(chunkByteCount: 256, capacity: 1)
    #expect(!pool.whenAvailable { Issue.record("woken") })
    let packet = pool.makePacket()!
    _ = consume packet
    #expect(!pool.whenAvailable { Issue.record("woken") })
  }

  @Test func `everyone who waits is woken once by the first packet that comes home`() {
    let pool = PacketPool(chunkByteCount: 256, capacity: 2)
    let first = pool.makePacket()!
    let second = pool.makePacket()!
    let wakeUps = Monitor([0, 0, 0])
    for waiter in 0..<3 {
      #expect(pool.whenAvailable { wakeUps.withLock { $0[waiter] += 1 } })
    }
    _ = consume first
    #expect(wakeUps.withLock { $0 } == [1, 1, 1])
    _ = consume second
    #expect(wakeUps.withLock { $0 } == [1, 1, 1])
  }

  @Test func `a pool is kept until those who wait were woken and not longer`() {
    weak var gone: PacketPool?
    var packet: PacketBuffer?
    let woken = Latch()
    do {
      let pool = PacketPool(chunkByteCount: 256, capacity: 1)
      gone = pool
      packet = pool.makePacket()
      #expect(pool.whenAvailable { woken.open() })
    }
    #expect(gone != nil)
    packet = nil
    #expect(woken.wait(deadline: 0))
    #expect(gone == nil)
    _ = packet
  }

  @Test func `packets given back by many threads all come home with their bytes`() throws {
    let pool = PacketPool(chunkByteCount: 128, capacity: 48)
    try concurrently(6) { thread in
      var random = SeededRandom(seed: UInt64(thread))
      var batch = PacketBatch(capacity: 8, pool: pool)
      for round in 0..<3000 {
        batch.removeAll()
        let mark = UInt8(truncatingIfNeeded: thread * 40 + round % 40)
        for _ in 0..<Int.random(in: 1...8, using: &random) {
          batch.append(headroom: 16) { $0.append(1) { $0[0] = mark } }
        }
        for index in 0..<batch.count where random.next() % 2 == 0 {
          let packet = batch.take(index)
          if packet.withBytes({ $0[0] }) != mark { Issue.record("thread \(thread): a packet of somebody else") }
        }
        batch.forEach { if $0[0] != mark { Issue.record("thread \(thread): a packet of somebody else") } }
      }
    }
    var all = PacketBatch(capacity: 48, pool: pool)
    while all.add([]) {}
    let count = all.count
    #expect(count == 48)
  }

  @Test(arguments: 2...4)
  func `no wake-up is lost and no pool is used after its end`(threads: Int) throws {
    var random = SeededRandom("pool wake-ups")
    for _ in 0..<500 {
      let seed = random.next()
      // Each thread owns the pool only while it takes packets; its last packet comes home without.
      let pools = Monitor([PacketPool?](repeating: nil, count: threads))
      do {
        let pool = PacketPool(chunkByteCount: 64, capacity: 1 + Int(seed % 3))
        pools.withLock { list in for index in list.indices { list[index] = pool } }
      }
      let stuckThreads = Monitor(0)
      try concurrently(threads) { thread in
        var pool = pools.withLock { $0[thread].take() }
        var random = SeededRandom(seed: seed &+ UInt64(thread))
        for _ in 0..<8 {
          if let packet = pool?.makePacket(headroom: 0) {
            if random.next() % 4 == 0 { pool = nil }
            for _ in 0..<(random.next() % 64) { spinPause() }
            _ = consume packet
            continue
          }
          let home = Latch()
          guard let waiting = pool.take() else { return }
          let willBeWoken = waiting.whenAvailable { home.open() }
          pool = waiting
          if random.next() % 4 == 0 { pool = nil }
          if willBeWoken, !home.wait(deadline: deadline(after: .seconds(20))) { stuckThreads.withLock { $0 += 1 } }
        }
      }
      try #require(stuckThreads.withLock { $0 } == 0, "seed \(seed)")
    }
  }
}
