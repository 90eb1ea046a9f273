import LinkSystem
import Synchronization

/// The other end of somebody's link. It can do what an honest peer does, which shows that the victim still works, and what
/// none does. It knows the bytes of the wire and nothing of the code on the other side.
///
/// Whatever the roles, it has four pipes: packets that it sends, and the proofs that they were taken (completions, or
/// buffers posted again); packets that arrive, and what it gives for them.
package final class HostilePeer {
  package let victimRole: LinkRole
  let files: LinkFiles
  /// How long a storm lasts.
  let duration: Duration
  var random: SeededGenerator

  let dataOut: RawMemory
  let dataIn: RawMemory
  /// All files of both queues.
  let regions: [RawMemory]
  /// By the victim, who receives, and by this side.
  let victimWord: RawMemory
  let ownWord: RawMemory
  /// The bell that wakes the victim, and the one that it rings.
  let bellOut: CInt
  let bellIn: CInt

  var sending: RawPipeWriter
  var proofs: RawPipeReader
  var arrivals: RawPipeReader
  var credits: RawPipeWriter
  /// Whether arriving packets are answered with what the victim needs to send more; what is missing follows when it is
  /// set again.
  var givesCredits = true {
    didSet { if givesCredits { settle() } }
  }
  private var unanswered: [[UInt8]] = []
  /// Throws unless the victim, left alone, comes to rest.
  package var demandCalm: () throws -> Void = {}

  private var sequence: UInt64 = 0
  /// As a server: buffers that the victim posted. As a client: its own.
  private var buffers: [Piece] = []
  private var waiting: Set<UInt64> = []

  static let bufferByteCount = 2048

  package init(_ files: LinkFiles, victim: LinkRole, duration: Duration, random: SeededGenerator) throws {
    self.files = files
    victimRole = victim
    self.duration = duration
    self.random = random
    let numbers = files.descriptors
    let maps = try numbers.indices.map { $0 % 5 == 1 ? nil : try RawMemory(numbers[$0], isGuarded: !files.isSealed) }
    regions = maps.compactMap(\.self)
    // Where the queue begins that this side sends on.
    let (out, back) = victim == .server ? (0, 5) : (5, 0)
    (dataOut, dataIn) = (maps[out]!, maps[back]!)
    (bellOut, bellIn) = (numbers[out + 1], numbers[back + 1])
    (victimWord, ownWord) = (maps[out + 4]!, maps[back + 4]!)
    let (packets, answers) = victim == .server ? (2, 3) : (3, 2)
    sending = RawPipeWriter(maps[out + packets]!)
    proofs = RawPipeReader(maps[out + answers]!)
    arrivals = RawPipeReader(maps[back + 5 - packets]!)
    credits = RawPipeWriter(maps[back + 5 - answers]!)
    if victim == .server {
      let count = UInt64(dataIn.byteCount / Self.bufferByteCount)
      buffers = (0..<count).map { Piece(offset: $0 * 2048, size: 2048, identifier: $0) }
      for index in 0..<count / 2 { post(Piece(offset: index * 2048, size: 2048, identifier: index)) }
    }
  }

  // MARK: Honest traffic

  /// Sends packets, rings, and waits until the victim took them all.
  package func exchange(
    _ count: Int = 8, within limit: Duration = .seconds(2), unless isOver: () -> Bool = { false }
  ) -> Bool {
    let deadline = monotonicNanoseconds() &+ UInt64(limit / .nanoseconds(1))
    waiting = []
    var sent = 0
    while true {
      collect()
      while sent < count, let piece = sendHonest() {
        waiting.insert(piece.identifier)
        sent += 1
      }
      ring()
      if sent == count, waiting.isEmpty { return true }
      if isOver() || monotonicNanoseconds() >= deadline { return false }
      Self.pause()
    }
  }

  /// A fifth of a millisecond: nothing announces what is waited for.
  static func pause() { _ = try? poll(-1, [], nanoseconds: 200_000) }

  /// One good packet; nil if there is no room for it.
  @discardableResult
  func sendHonest() -> Piece? {
    guard let buffer = takeBuffer() else { return nil }
    let packet = Self.packet(sequence)
    // The victim's word, or what was scribbled over it.
    dataOut.write(packet, at: Int(truncatingIfNeeded: buffer.offset))
    var piece = buffer
    piece.size = UInt32(packet.count)
    guard sending.push(message(total: piece.size, [piece])) else {
      buffers.append(buffer)
      return nil
    }
    sequence += 1
    return piece
  }

  /// A buffer that the victim will give back once it is named in a packet.
  func takeBuffer() -> Piece? { buffers.isEmpty ? nil : buffers.removeFirst() }

  func ring() { _ = EventCounter.add(1, to: bellOut) }

  /// Takes what the victim wrote, and answers as an honest peer.
  func collect() {
    var budget = 4096
    while budget > 0, let proof = proofs.pull() {
      budget -= 1
      let isPost = victimRole == .client
      guard proof.count == (isPost ? 32 : 8) else { continue }
      let identifier = UInt64(littleEndian: proof[isPost ? 24..<32 : 0..<8])
      waiting.remove(identifier)
      if isPost {
        let offset = UInt64(littleEndian: proof[0..<8])
        buffers.append(Piece(offset: offset, size: UInt32(littleEndian: proof[8..<12]), identifier: identifier))
      } else if identifier < UInt64(dataOut.byteCount / Self.bufferByteCount) {
        buffers.append(Piece(offset: identifier * 2048, size: 2048, identifier: identifier))
      }
    }
    while budget > 0, let arrival = arrivals.pull() {
      budget -= 1
      unanswered.append(arrival)
    }
    if givesCredits { settle() }
  }

  private func settle() {
    for arrival in unanswered { answer(arrival) }
    unanswered = []
  }

  private func answer(_ arrival: [UInt8]) {
    if victimRole == .client {
      if arrival.count >= 8 { complete(UInt64(littleEndian: arrival[0..<8])) }
      return
    }
    for start in stride(from: 8, to: arrival.count - 27, by: 28) {
      let offset = UInt64(littleEndian: arrival[start..<start + 8])
      post(Piece(offset: offset, size: 2048, identifier: UInt64(littleEndian: arrival[start + 20..<start + 28])))
    }
  }

  // MARK: Messages

  /// As a client: offers a buffer to the victim.
  @discardableResult
  func post(_ piece: Piece) -> Bool {
    credits.push(
      piece.offset.littleEndianBytes + piece.size.littleEndianBytes + UInt32(0).littleEndianBytes
        + UInt64(7).littleEndianBytes + piece.identifier.littleEndianBytes)
  }

  /// As a server: says that a packet was taken.
  @discardableResult
  func complete(_ identifier: UInt64) -> Bool { credits.push(identifier.littleEndianBytes) }

  /// A packet's message, of whatever sense. A client's packet has the number of its first piece.
  func message(total: UInt32, _ pieces: [Piece]) -> [UInt8] {
    let zero = UInt32(0).littleEndianBytes
    if victimRole == .server {
      return (pieces.first?.identifier ?? 0).littleEndianBytes + total.littleEndianBytes + zero
        + pieces.flatMap { $0.offset.littleEndianBytes + $0.size.littleEndianBytes }
    }
    return total.littleEndianBytes + zero
      + pieces.flatMap {
        $0.offset.littleEndianBytes + $0.size.littleEndianBytes + UInt64(0).littleEndianBytes
          + $0.identifier.littleEndianBytes
      }
  }

  /// The test packet of shmpeer, which is an IPv4 packet to everybody else.
  static func packet(_ sequence: UInt64, byteCount: Int = 64) -> [UInt8] {
    var bytes = [UInt8](repeating: 0, count: byteCount)
    bytes[0] = 0x45
    bytes[2] = UInt8(truncatingIfNeeded: byteCount >> 8)
    bytes[3] = UInt8(truncatingIfNeeded: byteCount)
    bytes[8] = 64
    bytes[9] = 253
    for (offset, byte) in [(12, 10), (15, 1), (16, 10), (19, 2)] { bytes[offset] = UInt8(byte) }
    bytes.replaceSubrange(20..<28, with: sequence.littleEndianBytes)
    return bytes
  }
}

/// A part of a packet: where its bytes are, how many, and the number that the buffer goes by.
struct Piece {
  var offset: UInt64
  var size: UInt32
  var identifier: UInt64
}
