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
    // Two copies of the loop, so that links without virtio-net headers do not pay for them.
    return input.headerByteCount == 0
      ? receive(into: &batch, limit: limit, headerByteCount: 0, &input)
      : receive(into: &batch, limit: limit, headerByteCount: input.headerByteCount, &input)
  }

  @inline(__always) private mutating func receive(
    into batch: inout PacketBatch, limit: Int, headerByteCount: Int, _ input: inout ReceiveInput
  ) -> ReceiveResult {
    let room = input.room(in: batch)
    var received = 0
    var next = ReceiveInput.Next.again
    for _ in 0..<limit {
      switch ring.geometry.isBlockwise ? nextOfBlock() : nextAlone() {
      case .frame(let frame):
        // SAFETY: `received` stays below `limit`, the number of slots that are initialised; the frame is ours until it goes
        // back below.
        if unsafe accept(frame, into: &batch.packetSlots[received], room, headerByteCount, &input) { received += 1 }
        finish()
        continue
      case .broken:
        input.countMalformed()
        finish()
        continue
      case .none: next = input.nextAfterEmptyRing()
      }
      if case .again = next { continue }
      break
    }
    batch.setReceived(received)
    return ReceiveResult(received, next)
  }

  @inline(__always) private func accept(
    _ frame: RingFrame, into packet: inout PacketBuffer, _ room: Int, _ headerByteCount: Int,
    _ input: inout ReceiveInput
  ) -> Bool {
    // Of a frame that did not fit in the ring only a part is there.
    let whole = frame.byteCount == frame.originalByteCount
    let count = headerByteCount + min(frame.byteCount, room)
    // SAFETY: `count` bytes are in the ring, the header in front of the frame included; a prepared frame has room for as many.
    if let start = unsafe packet.prepareFrame(count, headroom: PacketBuffer.defaultHeadroom - headerByteCount) {
      unsafe start.copyMemory(from: frame.start - headerByteCount, byteCount: count)
    }
    return input.accept(
      &packet, byteCount: headerByteCount + frame.originalByteCount, room: whole ? room : 0,
      headerByteCount: headerByteCount, frame.tag)
  }

  // MARK: The places

  private enum Place { case frame(RingFrame), broken, none }

  private func nextAlone() -> Place {
    let offset = placeOffset
    guard ring.isOurs(offset) else { return .none }
    return ring.frame(at: offset).map { .frame($0) } ?? .broken
  }

  private mutating func nextOfBlock() -> Place {
    while framesLeft == 0 {
      let offset = placeOffset
      guard ring.isOurs(offset + PacketRing.blockStatusOffset) else { return .none }
      let (frameCount, firstOffset) = ring.blockContents(offset)
      framesLeft = frameCount
      frameOffset = offset + firstOffset
      if frameCount == 0 { giveBack() }
    }
    guard let frame = ring.frame(inBlockAt: frameOffset, end: placeOffset + ring.geometry.blockByteCount) else {
      // Where the next one would be is not known either.
      framesLeft = 1
      return .broken
    }
    frameOffset += frame.nextOffset
    return .frame(frame)
  }

  /// The frame under way is copied out.
  private mutating func finish() {
    if !ring.geometry.isBlockwise { return giveBack() }
    framesLeft -= 1
    if framesLeft == 0 { giveBack() }
  }

  private mutating func giveBack() {
    let geometry = ring.geometry
    if geometry.isBlockwise {
      ring.giveBack(placeOffset + PacketRing.blockStatusOffset)
      placeOffset += geometry.blockByteCount
    } else {
      ring.giveBack(placeOffset)
      placeOffset += geometry.frameByteCount
      framesLeft -= 1
      // The rest of a block is too small for a frame.
      if framesLeft <= 0 {
        placeOffset += geometry.blockByteCount - framesPerBlock * geometry.frameByteCount
        framesLeft = framesPerBlock
      }
    }
    if placeOffset == geometry.byteCount { placeOffset = 0 }
  }
}
