import LinkCore
import LinkTestSupport
import Testing

@Suite struct PacketBatchTests {
  private let pool = PacketPool(chunkByteCount: 256, capacity: 8)

  private func filled(_ count: Int, capacity: Int = 8) throws -> PacketBatch {
    var batch = PacketBatch(capacity: capacity, pool: pool)
    for number in 0..<count {
      let isAdded = batch.add([UInt8(number)])
      try #require(isAdded)
    }
    return batch
  }

  @Test func `packets keep their positions until the gaps are closed`() throws {
    var batch = try filled(6)
    let first = batch.take(1)
    let second = batch.take(4)
    #expect(batch.contents == [[0], [2], [3], [5]])
    #expect(batch.count == 6)
    #expect((0..<8).map { batch.holds($0) } == [true, false, true, true, false, true, false, false])
    #expect(!batch.holds(-1) && !batch.holds(64) && !batch.holds(.max))
    batch.compact()
    #expect(batch.count == 4)
    #expect(batch.contents == [[0], [2], [3], [5]])
    let numbers = batch.withPackets { packets in packets.indices.map { packets[$0].bytes[0] } }
    #expect(numbers == [0, 2, 3, 5])
    #expect(first.bytes == [1] && second.bytes == [4])
  }

  @Test func `a batch of 64 uses its last position like the others`() throws {
    let pool = PacketPool(chunkByteCount: 64, capacity: 64)
    var batch = PacketBatch(capacity: 64, pool: pool)
    for number in 0..<64 { batch.append(headroom: 0) { $0.appendBytes([UInt8(number)]) } }
    #expect(batch.count == 64 && batch.freeCapacity == 0)
    for index in stride(from: 63, through: 0, by: -1) {
      let packet = batch.take(index)
      #expect(packet.bytes == [UInt8(index)])
    }
    #expect(batch.contents.isEmpty)
    batch.compact()
    #expect(batch.count == 0)
  }

  @Test func `spare chunks are used again`() throws {
    var batch = try filled(8)
    let isOverfull = batch.add([9])
    #expect(!isOverfull)
    #expect(!pool.hasPacket)
    batch.removeAll()
    #expect(batch.isEmpty && batch.freeCapacity == 8)
    #expect(!pool.hasPacket)
    for number in 0..<8 {
      let isAdded = batch.add([UInt8(10 + number)])
      #expect(isAdded)
    }
    #expect(batch.contents == (10..<18).map { [$0] })
  }

  @Test func `a batch gets chunks for what was taken`() throws {
    var batch = try filled(4, capacity: 4)
    let kept = batch.take(0)
    batch.removeAll()
    for number in 0..<4 {
      let isAdded = batch.add([UInt8(20 + number)])
      #expect(isAdded)
    }
    #expect(batch.contents == [[20], [21], [22], [23]])
    #expect(kept.bytes == [0])
  }

  @Test func `append after take closes the gaps when it has to`() throws {
    var batch = try filled(4, capacity: 4)
    let kept = batch.take(2)
    let isAdded = batch.add([4])
    #expect(isAdded)
    #expect(batch.contents == [[0], [1], [3], [4]])
    #expect(kept.bytes == [2])
  }

  @Test func `an empty pool ends appending and a packet that comes home lets it go on`() throws {
    var batch = try filled(8)
    var other = PacketBatch(capacity: 4, pool: pool)
    var isAdded = other.add([1])
    #expect(!isAdded)
    #expect(other.count == 0)
    do { _ = batch.take(3) }
    isAdded = other.add([1])
    #expect(isAdded)
    isAdded = other.add([2])
    #expect(!isAdded)
    #expect(other.contents == [[1]])
  }

  @Test func `batches of different sizes and pools can be exchanged`() throws {
    var mine = try filled(3)
    var other = PacketBatch(capacity: 2, pool: PacketPool(chunkByteCount: 192, capacity: 2))
    let isAdded = other.add([77])
    #expect(isAdded)
    swap(&mine, &other)
    #expect(mine.contents == [[77]] && mine.capacity == 2 && mine.pool.chunkByteCount == 192)
    #expect(other.contents == [[0], [1], [2]] && other.capacity == 8)
  }

  @Test func `all chunks go home with the batch, taken ones with their packets`() throws {
    do {
      var batch = try filled(5)
      let kept = batch.take(2)
      #expect(kept.bytes == [2])
    }
    var all = PacketBatch(capacity: 8, pool: pool)
    while all.add([]) {}
    #expect(all.count == 8)
  }

  @Test func `packets can be changed in place`() throws {
    var batch = try filled(3)
    batch.modify(1) { $0.appendBytes([9]) }
    #expect(batch.contents == [[0], [1, 9], [2]])
    #expect(batch.withBytes(of: 1) { $0.count } == 2)
    #expect(batch.withPacket(1) { $0.tailroom } == 256 - 128 - 2)
  }

  @Test func `positions without a packet trap`() async {
    await #expect(processExitsWith: .failure) { try withBatch { _ = $0.take(2) } }
    await #expect(processExitsWith: .failure) { try withBatch { _ = $0.take(-1) } }
    await #expect(processExitsWith: .failure) {
      try withBatch { batch in
        do { _ = batch.take(0) }
        _ = batch.take(0)
      }
    }
    await #expect(processExitsWith: .failure) {
      try withBatch { batch in
        do { _ = batch.take(0) }
        batch.withPackets { _ in }
      }
    }
    await #expect(processExitsWith: .failure) { try withBatch { $0.withBytes(of: 2) { _ in } } }
    await #expect(processExitsWith: .failure) { try withBatch { $0.modify(64) { _ in } } }
  }

  @Test func `whatever is done to a batch it holds what a list would hold`() throws {
    var random = SeededRandom("batches")
    for _ in 0..<300 {
      let pool = PacketPool(chunkByteCount: 64, capacity: Int.random(in: 1...12, using: &random))
      var batch = PacketBatch(capacity: Int.random(in: 1...10, using: &random), pool: pool)
      var model: [UInt8?] = []
      var kept = 0
      for step in 0..<60 {
        switch random.next() % 8 {
        case 0...3:
          let number = UInt8(step)
          let isFull = model.count { $0 != nil } == batch.capacity
          if batch.append(headroom: 0, { $0.appendBytes([number]) }) {
            if model.count + 1 != batch.count { model = model.filter { $0 != nil } }
            model.append(number)
          } else {
            #expect(isFull || !pool.hasPacket, "seed \(random.seed)")
            model = model.filter { $0 != nil }
          }
        case 4, 5:
          let index = Int(random.next() % 10)
          if batch.holds(index) {
            let packet = batch.take(index)
            #expect(packet.bytes == [model[index]!], "seed \(random.seed)")
            model[index] = nil
            kept += 1
          }
        case 6:
          batch.compact()
          model = model.filter { $0 != nil }
        default:
          if random.next() % 4 == 0 {
            batch.removeAll()
            model = []
          }
        }
        #expect(batch.contents == model.compactMap { $0.map { [$0] } }, "seed \(random.seed)")
        #expect(batch.count == model.count, "seed \(random.seed)")
      }
    }
  }
}

/// Lends a batch of two packets.
func withBatch(_ body: (inout PacketBatch) throws -> Void) throws {
  var batch = PacketBatch(capacity: 8, pool: PacketPool(chunkByteCount: 256, capacity: 8))
  for number in 0..<2 { _ = batch.add([UInt8(number)]) }
  try body(&batch)
}
