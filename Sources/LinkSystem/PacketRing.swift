public import CLinkShims
import Glibc
public import Synchronization

/// The memory that the kernel writes received frames to, mapped. It is unmapped when this goes out of scope; the kernel
/// frees it with the socket. `PACKET_RX_RING`, and the kernel's Documentation/networking/packet_mmap.rst.
@safe @usableFromInline package struct PacketRing: ~Copyable, @unchecked Sendable {
  @usableFromInline package struct Geometry: Equatable, Sendable {
    /// Blocks of frames of any size, handed over when full or after a time: TPACKET_V3. Else frames of one size, each handed
    /// over at once: TPACKET_V2.
    @usableFromInline package var isBlockwise: Bool
    @usableFromInline package var blockByteCount: Int
    @usableFromInline package var blockCount: Int
    @usableFromInline package var frameByteCount: Int
    /// Milliseconds until a block that is not full is handed over.
    @usableFromInline package var blockTimeout: Int

    package init(isBlockwise: Bool, blockByteCount: Int, blockCount: Int, frameByteCount: Int, blockTimeout: Int) {
      self.isBlockwise = isBlockwise
      self.blockByteCount = blockByteCount
      self.blockCount = blockCount
      self.frameByteCount = frameByteCount
      self.blockTimeout = blockTimeout
    }

    @inlinable package var framesPerBlock: Int { blockByteCount / frameByteCount }
    @inlinable package var frameCount: Int { blockCount * framesPerBlock }
    @inlinable package var byteCount: Int { blockCount * blockByteCount }
  }

  /// The first byte. Valid as long as this value lives.
  @unsafe @usableFromInline package let base: UnsafeMutableRawPointer
  @usableFromInline package let geometry: Geometry
  /// The size of the mapping.
  @usableFromInline let byteCount: Int
  /// The virtio-net header that lies in front of each frame; 0: none.
  @usableFromInline let headByteCount: Int

  /// Gives a packet socket a ring, and maps it. What the socket had queued before is thrown away.
  /// Throws EBUSY if it has one already, EINVAL for a geometry that the kernel does not take.
  package init(on number: CInt, _ geometry: Geometry, headByteCount: Int = 0) throws(SystemError) {
    self.geometry = geometry
    byteCount = geometry.byteCount
    self.headByteCount = headByteCount
    var version = CInt(geometry.isBlockwise ? TPACKET_V3.rawValue : TPACKET_V2.rawValue)
    try PacketSocket.setOption(number, PACKET_VERSION, &version, "PACKET_VERSION")
    var request = tpacket_req3()
    request.tp_block_size = UInt32(geometry.blockByteCount)
    request.tp_block_nr = UInt32(geometry.blockCount)
    request.tp_frame_size = UInt32(geometry.frameByteCount)
    request.tp_frame_nr = UInt32(geometry.frameCount)
    // The rest of the record is TPACKET_V3's.
    if geometry.isBlockwise { request.tp_retire_blk_tov = UInt32(geometry.blockTimeout) }
    try PacketSocket.setOption(number, PACKET_RX_RING, &request, "PACKET_RX_RING")
    let protection = PROT_READ | PROT_WRITE
    // SAFETY: a new mapping at an address of the kernel's choice replaces none of ours; MAP_FAILED is checked below.
    let address = unsafe mmap(nil, byteCount, protection, MAP_SHARED, number, 0)
    guard let address = unsafe address, unsafe address != MAP_FAILED else {
      let error = SystemError("mmap(\(number))", errno)
      var none = tpacket_req3()
      try PacketSocket.setOption(number, PACKET_RX_RING, &none, "PACKET_RX_RING")
      throw error
    }
    unsafe base = address
  }

  // SAFETY: the range is ours alone, mapped by init; nothing points into it any more.
  deinit { _ = unsafe munmap(base, byteCount) }
}

/// A frame in the ring, as its header describes it. Every word of the header is read once.
@safe @usableFromInline package struct RingFrame {
  /// Where its bytes are, valid until the frame goes back to the kernel. The virtio-net header lies in front of them.
  @unsafe @usableFromInline package let start: UnsafeRawPointer
  /// Bytes that are there, and bytes that the frame had.
  @usableFromInline package let byteCount: Int
  @usableFromInline package let originalByteCount: Int
  @usableFromInline package let tag: VLANTag?
  /// The distance to the next frame of the block; only in TPACKET_V3.
  @usableFromInline package let nextOffset: Int

  /// All of it is there, and the kernel took nothing out of it.
  @inlinable package var isWhole: Bool { @inline(__always) get { byteCount == originalByteCount && tag == nil } }

  @unsafe @inlinable @inline(__always)
  init(start: UnsafeRawPointer, byteCount: Int, originalByteCount: Int, tag: VLANTag?, nextOffset: Int) {
    // SAFETY: the caller has checked that so many bytes, and the header, are there.
    unsafe self.start = start
    self.byteCount = byteCount
    self.originalByteCount = originalByteCount
    self.tag = tag
    self.nextOffset = nextOffset
  }
}

extension PacketRing {
  /// Whether the block or frame whose header has its status at `offset` belongs to this process now.
  @inlinable @inline(__always) package func isOurs(_ offset: Int) -> Bool {
    // SYNC packet-ring: acquires what the kernel wrote before it handed the place over.
    status(offset) { $0.load(ordering: .acquiring) } & UInt32(TP_STATUS_USER) != 0
  }

  /// Gives a block or frame back to the kernel: nothing may point into it any more.
  @inlinable @inline(__always) package func giveBack(_ offset: Int) {
    // SYNC packet-ring: releases the place, after everything was copied out of it.
    status(offset) { $0.store(UInt32(TP_STATUS_KERNEL), ordering: .releasing) }
  }

  @inlinable @inline(__always) func status<Result>(_ offset: Int, _ body: (borrowing Atomic<UInt32>) -> Result)
    -> Result
  {
    precondition(offset >= 0 && offset <= byteCount &- 4)
    // SAFETY: in the mapping, checked above; every status is a word of its own that both sides use atomically.
    return unsafe body((base + offset).assumingMemoryBound(to: Atomic<UInt32>.self).pointee)
  }

  /// Where a block's status is.
  @inlinable package static var blockStatusOffset: Int { 8 }

  /// How many frames the block at `offset` has, and how far its first one is from its begin.
  @inlinable @inline(__always) package func blockContents(_ offset: Int) -> (frameCount: Int, firstOffset: Int) {
    precondition(offset >= 0 && offset <= byteCount &- MemoryLayout<tpacket_block_desc>.size)
    // SAFETY: in the mapping, checked above, and ours; the kernel writes no more to it.
    let header = unsafe (base + offset + 8).loadUnaligned(as: tpacket_hdr_v1.self)
    return (Int(header.num_pkts), Int(header.offset_to_first_pkt))
  }

  /// Has the processor fetch the header and the first bytes of a frame that will be read soon: the kernel wrote them, and so
  /// many that the nearest caches have lost them.
  @inlinable @inline(__always) package func prefetch(_ offset: Int) {
    // SAFETY: nothing is read, and any address will do.
    let address = unsafe UInt(bitPattern: base) &+ UInt(bitPattern: offset)
    unsafe link_prefetch(UnsafeRawPointer(bitPattern: address))
    unsafe link_prefetch(UnsafeRawPointer(bitPattern: address &+ 64))
    unsafe link_prefetch(UnsafeRawPointer(bitPattern: address &+ 128))
  }

  /// The frame of TPACKET_V3 whose header is at `offset`, inside the block that ends at `end`. Nil if the header says what
  /// cannot be.
  @inlinable @inline(__always) package func frame(inBlockAt offset: Int, end: Int) -> RingFrame? {
    guard offset >= 0, end <= byteCount, offset <= end &- MemoryLayout<tpacket3_hdr>.size else { return nil }
    // SAFETY: in the mapping, checked above, and ours.
    let header = unsafe (base + offset).loadUnaligned(as: tpacket3_hdr.self)
    // Words of 16 and 32 bits: no sum is too large.
    let start = offset &+ Int(header.tp_mac)
    guard Int(header.tp_mac) >= headByteCount, start &+ Int(header.tp_snaplen) <= end else { return nil }
    return unsafe RingFrame(
      start: UnsafeRawPointer(base + start), byteCount: Int(header.tp_snaplen),
      originalByteCount: Int(header.tp_len),
      tag: VLANTag(
        status: header.tp_status, information: UInt16(truncatingIfNeeded: header.hv1.tp_vlan_tci),
        protocol: header.hv1.tp_vlan_tpid), nextOffset: Int(header.tp_next_offset))
  }

  /// The frame of TPACKET_V2 whose header is at `offset`.
  @inlinable @inline(__always) package func frame(at offset: Int) -> RingFrame? {
    let end = offset &+ geometry.frameByteCount
    guard offset >= 0, end <= byteCount else { return nil }
    // SAFETY: in the mapping, checked above, and ours.
    let header = unsafe (base + offset).loadUnaligned(as: tpacket2_hdr.self)
    let start = offset &+ Int(header.tp_mac)
    guard Int(header.tp_mac) >= headByteCount, start &+ Int(header.tp_snaplen) <= end else { return nil }
    return unsafe RingFrame(
      start: UnsafeRawPointer(base + start), byteCount: Int(header.tp_snaplen),
      originalByteCount: Int(header.tp_len),
      tag: VLANTag(status: header.tp_status, information: header.tp_vlan_tci, protocol: header.tp_vlan_tpid),
      nextOffset: 0)
  }
}
