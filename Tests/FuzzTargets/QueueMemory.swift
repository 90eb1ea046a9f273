import LinkQueue
import LinkTestSupport

/// The memory of one queue, small enough to be full and to wrap all the time. The near end is ours, the far end is the
/// input's.
struct QueueMemory {
  /// The pipe that the far end writes, and the one that it reads.
  let toNear: PrivateRegion
  let fromNear: PrivateRegion
  let data: PrivateRegion
  let shared = PrivateRegion(byteCount: 64)
  let bufferByteCount: Int
  /// The far end reads at once, and its pipe never fills up.
  var isRoomy: Bool { fromNear.byteCount == 4096 }

  #if FUZZING
    private static let margin = 0
  #else
    private static let margin = 128
  #endif

  /// One of a few geometries: buffers that are aligned and that are not, room for every answer and for next to none.
  init(_ input: inout FuzzInput) {
    let geometries = [(64, 1000, 4096), (256, 512, 4096), (64, 1000, 256), (100, 2048, 1000)]
    let (buffer, toNear, fromNear) = geometries[input.choice(geometries.count)]
    bufferByteCount = buffer
    self.toNear = PrivateRegion(byteCount: toNear, margin: Self.margin)
    self.fromNear = PrivateRegion(byteCount: fromNear, margin: Self.margin)
    data = PrivateRegion(byteCount: Self.content.count, margin: Self.margin)
    Pipe.initialize(self.toNear.region)
    Pipe.initialize(self.fromNear.region)
    data.region.write(Self.content, at: 0)
  }

  /// What lies in the data area at first: bytes that tell their place.
  private static let content = (0..<1536).map { UInt8(truncatingIfNeeded: $0 &* 7 &+ $0 >> 8) }

  /// The bytes of the data area now.
  func dataBytes(_ offset: Int, _ count: Int) -> [UInt8] { data.region.bytes(offset, count) }

  /// Said in another way than the queues say it. `size` has 32 bits.
  func isWithinData(_ offset: UInt64, _ size: UInt64) -> Bool {
    let (end, isOverflow) = offset.addingReportingOverflow(size)
    return !isOverflow && end <= data.byteCount
  }

  /// Whether the data area is as it was, at all offsets that `isChecked` names.
  func isUntouched(_ isChecked: (Int) -> Bool) -> Bool {
    let now = dataBytes(0, data.byteCount)
    return now.indices.allSatisfy { now[$0] == Self.content[$0] || !isChecked($0) }
  }
}

extension SharedRegion {
  func bytes(_ offset: Int, _ count: Int) -> [UInt8] {
    (offset..<offset + count).map { UInt8(truncatingIfNeeded: field32($0 & ~3) >> UInt32(8 * ($0 & 3))) }
  }

  /// Writes bytes, and zeros up to a multiple of eight.
  func write(_ bytes: [UInt8], at offset: Int) {
    for start in stride(from: 0, to: bytes.count, by: 8) {
      store(bytes.number(at: start, byteCount: min(8, bytes.count - start)), offset + start)
    }
  }
}

extension [UInt8] {
  /// A little endian number of a message. Within its bytes, which the caller has counted.
  func number(at offset: Int, byteCount: Int) -> UInt64 {
    (0..<byteCount).reduce(0) { $0 | UInt64(self[offset + $1]) << UInt64(8 * $1) }
  }
}
