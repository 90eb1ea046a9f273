import LinkCore
import LinkSystem

/// Frames that the kernel wrote to memory which this process has mapped: no system call as long as there are some.
/// `PACKET_RX_RING`. They are copied out at once, and their place goes back to the kernel.
struct PacketRingStrategy: ~Copyable, ReceiveStrategy {
  private let ring: PacketRing
  /// Where the next block is, or frame where frames are handed over one by one.
  private var placeOffset = 0
  private let framesPerBlock: Int
  /// Frames of the block that are still to be read, and where the next one is.
  private var framesLeft = 0
  private var frameOffset = 0

  init(_ ring: consuming PacketRing) {
    framesPerBlock = ring.geometry.framesPerBlock
    framesLeft = ring.geometry.isBlockwise ? 0 : framesPerBlock
    self.ring = ring
  }

  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult {
    if let reason = input.ending { return .stopped(reason) }
    if input.headerByteCount > 0 { return receiveBehindHeaders(into: &batch, limit, &input) }
    return ring.geometry.isBlockwise
      ? receiveBlocks(into: &batch, limit, &input) : receiveFrames(into: &batch, limit, &input)
  }

  // Copies of the loop, so that none pays for what it does not have.

  @inline(never) private mutating func receiveFrames(
    into batch: inout PacketBatch, _ limit: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult { receive(into: &batch, limit, isBlockwise: false, headerByteCount: 0, &input) }

  @inline(never) private mutating func receiveBlocks(
    into batch: inout PacketBatch, _ limit: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult { receive(into: &batch, limit, isBlockwise: true, headerByteCount: 0, &input) }

  @inline(never) private mutating func receiveBehindHeaders(
    into batch: inout PacketBatch, _ limit: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult {
    receive(
      into: &batch, limit, isBlockwise: ring.geometry.isBlockwise, headerByteCount: input.headerByteCount, &input)
  }

  @inline(__always) private mutating func receive(
    into batch: inout PacketBatch, _ limit: Int, isBlockwise: Bool, headerByteCount: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult {
    let room = input.room(in: batch)
    let plainLimit = headerByteCount == 0 ? input.plainEthernetLimit(room) : 0
    var plainByteCount = 0
    var plainCount = 0
    var received = 0
    var next = ReceiveInput.Next.again
    // SAFETY: `received` stays below `limit`, the number of slots that are initialised; a frame is ours until it goes back.
    let slots = unsafe batch.packetSlots
    for _ in 0..<limit {
      switch isBlockwise ? nextOfBlock() : nextAlone() {
      case .frame(let frame):
        if frame.isWhole, frame.byteCount <= plainLimit,
          unsafe slots[received].becomeEthernetFrame(frame.start, byteCount: frame.byteCount)
        {
          plainCount &+= 1
          plainByteCount &+= frame.byteCount
          received &+= 1
        } else if unsafe accept(frame, into: &slots[received], room, &input) {
          received &+= 1
        }
        finish(isBlockwise)
        continue
      case .broken:
        input.countMalformed()
        finish(isBlockwise)
        continue
      case .none: next = input.nextAfterEmptyRing()
      }
      if case .again = next { continue }
      break
    }
    input.count(plainCount, byteCount: plainByteCount)
    batch.setReceived(received)
    return ReceiveResult(received, next)
  }

  /// A frame of any kind.
  @inline(never) private func accept(
    _ frame: RingFrame, into packet: inout PacketBuffer, _ room: Int, _ input: inout ReceiveInput
  ) -> Bool {
    let headerByteCount = input.headerByteCount
    // Of a frame that did not fit in the ring only a part is there.
    let whole = frame.byteCount == frame.originalByteCount
    let count = headerByteCount + min(frame.byteCount, room)
    // SAFETY: `count` bytes are in the ring, the header in front of the frame included; a prepared frame has room for as many.
    let start = unsafe packet.prepareFrame(count, headroom: PacketBuffer.defaultHeadroom - headerByteCount)
    if let start = unsafe start { unsafe start.copyMemory(from: frame.start - headerByteCount, byteCount: count) }
    // In a chunk that is too small is still what was there before: there is no room in it.
    let isThere = unsafe whole && start != nil
    return input.accept(
      &packet, byteCount: headerByteCount + frame.originalByteCount, room: isThere ? room : 0,
      headerByteCount: headerByteCount, frame.tag)
  }

  // MARK: The places

  /// In frames: it takes about as long to deal with so many as to fetch one from a distant cache.
  private static var prefetchDistance: Int { 8 }

  private enum Place { case frame(RingFrame), broken, none }

  @inline(__always) private func nextAlone() -> Place {
    let offset = placeOffset
    guard ring.isOurs(offset) else { return .none }
    ring.prefetch(offset &+ Self.prefetchDistance &* ring.geometry.frameByteCount)
    return ring.frame(at: offset).map { .frame($0) } ?? .broken
  }

  @inline(__always) private mutating func nextOfBlock() -> Place {
    while framesLeft == 0 {
      let offset = placeOffset
      guard ring.isOurs(offset &+ PacketRing.blockStatusOffset) else { return .none }
      let (frameCount, firstOffset) = ring.blockContents(offset)
      framesLeft = frameCount
      frameOffset = offset + firstOffset
      if frameCount == 0 { finishBlock() }
    }
    guard let frame = ring.frame(inBlockAt: frameOffset, end: placeOffset &+ ring.geometry.blockByteCount) else {
      // Where the next one would be is not known either.
      framesLeft = 1
      return .broken
    }
    // Frames that follow on each other are often alike.
    ring.prefetch(frameOffset &+ Self.prefetchDistance &* frame.nextOffset)
    frameOffset &+= frame.nextOffset
    return .frame(frame)
  }

  /// The frame under way is copied out.
  @inline(__always) private mutating func finish(_ isBlockwise: Bool) {
    framesLeft &-= 1
    if !isBlockwise {
      ring.giveBack(placeOffset)
      placeOffset &+= ring.geometry.frameByteCount
    }
    if framesLeft <= 0 { finishBlock() }
  }

  /// On to the next block.
  @inline(never) private mutating func finishBlock() {
    let geometry = ring.geometry
    if geometry.isBlockwise {
      ring.giveBack(placeOffset + PacketRing.blockStatusOffset)
      placeOffset += geometry.blockByteCount
    } else {
      // The rest of a block is too small for a frame.
      placeOffset += geometry.blockByteCount - framesPerBlock * geometry.frameByteCount
      framesLeft = framesPerBlock
    }
    if placeOffset == geometry.byteCount { placeOffset = 0 }
  }
}
