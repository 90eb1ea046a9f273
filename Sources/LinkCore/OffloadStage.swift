/// A link's own write: it sends packets as they are.
package protocol PlainWrite {
  /// What it hands on now. It may become less while it sends.
  var offloads: OffloadSupport { get }
  var limits: SendLimits { get }
  /// Sends a prefix and returns its length. It ends where the link takes no more, or at a packet whose facts the link does
  /// not hand on any more. The link must not end in here: that is for later, when the stage is not locked.
  mutating func send(_ packets: Span<PacketBuffer>) -> Int
}

/// Packets on their way through software, which the link has taken: finished ones in a batch, and the rest of one that is
/// being cut, where there was no room for all its segments. Nothing passes what waits here.
struct OffloadStage: ~Copyable {
  private static var batchCapacity: Int { 64 }
  /// A write ends behind the packet with which it has made so many. One packet makes up to 1024, a batch of them 65,536.
  private static var mostPerWrite: Int { 256 }
  /// The largest packet to be cut, in network-layer bytes; 0: none may be larger than the MTU.
  private let mostByteCount: Int
  /// Finished packets, of which the link has the first `sent`. In chunks of their own, made when the first one comes.
  private var batch: PacketBatch?
  private var sent = 0
  /// A copy of the packet that `segmenter` cuts, unless it is the one that is being written.
  private var rest: PacketBuffer?
  private var segmenter: Segmenter?
  private var restPool: PacketPool?
  var tally = LinkTally()
  /// Packets made in this write.
  private var made = 0
  /// The last write ended because it had done enough, not because there was no room.
  private(set) var hasPaused = false

  init(mostByteCount: Int) { self.mostByteCount = mostByteCount }

  /// Packets that are still to be sent, each segment one of them.
  var count: Int { finished.count - sent + (segmenter?.remainingCount ?? 0) }

  /// Sends a prefix, behind what waits, and returns its length. A packet that was begun counts.
  mutating func write(_ packets: Span<PacketBuffer>, by link: inout some PlainWrite) -> Int {
    (made, hasPaused) = (0, false)
    guard flush(by: &link) else { return 0 }
    var index = 0
    while index < packets.count {
      let run = packets.extracting(droppingFirst: index).carriedCount(by: link.offloads)
      if run > 0 {
        index += link.send(packets.extracting(index..<index + run))
        // No room; unless this one is not handed on any more.
        if packets.carries(index, by: link.offloads) { return index }
        continue
      }
      guard work(packets[index], by: &link) else { return index + 1 }
      index += 1
      let isLong = made >= Self.mostPerWrite && index < packets.count
      // Packets that follow on each other go together.
      if !isLong, index < packets.count, !packets.carries(index, by: link.offloads) { continue }
      if !flush(by: &link) { return index }
      if isLong {
        hasPaused = true
        return index
      }
    }
    return index
  }

  /// Sends what waits. False if something still does.
  mutating func flush(by link: inout some PlainWrite) -> Bool {
    while true {
      while sent < finished.count {
        let first = sent
        sent = first + batch!.withPackets { link.send($0.extracting(droppingFirst: first)) }
        if sent < finished.count, !completeNext(link.offloads) { return false }
      }
      if batch != nil { batch!.removeAll() }
      sent = 0
      guard let packet = rest.take() else { return true }
      cut(packet, link.offloads)
      if segmenter != nil { rest = .some(packet) }
    }
  }

  /// The link is over: what waits is lost.
  mutating func discard() {
    tally[.linkDown] += UInt64(count)
    sent = 0
    batch = nil
    rest = nil
    segmenter = nil
  }

  /// Packets in the batch, and the size of its chunks.
  private var finished: (count: Int, byteCount: Int) {
    switch batch {
    case .some(let batch): (batch.count, batch.pool.chunkByteCount)
    case nil: (0, 0)
    }
  }

  // MARK: Work

  /// Makes of a packet what the link takes, behind what is in the batch, and sends when that is full. False if there is no
  /// room: then what is left waits.
  private mutating func work(_ packet: borrowing PacketBuffer, by link: inout some PlainWrite) -> Bool {
    let limits = link.limits
    let most = SendLimits(mtu: limits.mtu, headerLength: limits.headerLength, segmentedByteCount: mostByteCount)
    if let cause = most.refusal(of: packet) {
      tally[cause] += 1
      return true
    }
    makeBatch(frameByteCount: max(64, limits.mtu + limits.headerLength))
    do throws(OffloadFailure) {
      if packet.facts.offload.segmentation == .none {
        try finish(packet)
        made += 1
      } else {
        let cutter = try Segmenter(packet, mtu: limits.mtu)
        made += cutter.segmentCount
        segmenter = cutter
      }
      tally[.softwareOffload] += 1
    } catch {
      tally[error.cause] += 1
      return true
    }
    while segmenter != nil {
      cut(packet, link.offloads)
      if segmenter != nil, !flush(by: &link) {
        keep(packet)
        return false
      }
    }
    return finished.count < Self.batchCapacity || flush(by: &link)
  }

  /// As many segments as there is room for in the batch. `segmenter` is nil when all are cut.
  private mutating func cut(_ packet: borrowing PacketBuffer, _ offloads: OffloadSupport) {
    guard var cutter = segmenter else { return }
    cutter.completesChecksums = !offloads.contains(.checksum)
    while !cutter.isDone, batch!.append(headroom: 0, { cutter.cut(packet, into: &$0) }) {}
    segmenter = cutter.isDone ? nil : cutter
  }

  /// A copy with its checksum.
  private mutating func finish(_ packet: borrowing PacketBuffer) throws(OffloadFailure) {
    batch!.append(headroom: 0) { copy in copy.copy(packet) }
    let last = finished.count - 1
    do throws(OffloadFailure) {
      try batch!.modify(last) { copy throws(OffloadFailure) in try copy.finishChecksum() }
    } catch {
      _ = batch!.take(last)
      batch!.compact()
      throw error
    }
  }

  /// Computes the checksum of the next packet to be sent, if the link did not take it since it hands on less than before.
  private mutating func completeNext(_ offloads: OffloadSupport) -> Bool {
    batch!.modify(sent) { packet in
      if packet.isCarried(by: offloads) { return false }
      // It is the stage's own: the place is there.
      do throws(OffloadFailure) { try packet.finishChecksum() } catch { assertionFailure("no place for a checksum") }
      packet.facts.offload = PacketOffload()
      return true
    }
  }

  private mutating func keep(_ packet: borrowing PacketBuffer) {
    if restPool?.chunkByteCount ?? 0 < packet.frameByteCount {
      restPool = PacketPool(chunkByteCount: max(64, packet.frameByteCount), capacity: 1)
    }
    // The one packet of this pool is at home: nothing else is kept while this one is cut.
    var copy = restPool!.makePacket(headroom: 0)!
    copy.copy(packet)
    rest = consume copy
  }

  /// Makes the batch, or a larger one when the MTU was raised: it is only filled further once it has been empty.
  private mutating func makeBatch(frameByteCount: Int) {
    if finished.byteCount >= frameByteCount { return }
    batch = PacketBatch(
      capacity: Self.batchCapacity, pool: PacketPool(chunkByteCount: frameByteCount, capacity: Self.batchCapacity))
  }
}

extension Span<PacketBuffer> {
  /// How many packets from the first on can go as they are.
  @inlinable @inline(__always) func carriedCount(by offloads: OffloadSupport) -> Int {
    var index = 0
    while carries(index, by: offloads) { index &+= 1 }
    return index
  }

  /// Whether there is a packet at `index` that can go as it is.
  @inlinable @inline(__always) func carries(_ index: Int, by offloads: OffloadSupport) -> Bool {
    guard index < count else { return false }
    return self[index].isCarried(by: offloads)
  }
}

extension PacketBuffer {
  /// Whether the packet can go as it is. A raw frame can.
  @inlinable @inline(__always) package func isCarried(by offloads: OffloadSupport) -> Bool {
    let offload = facts.offload
    if offload.segmentation == .none, offload.checksum != .needed { return true }
    return asksOnly(for: offloads)
  }

  @usableFromInline @inline(never) func asksOnly(for offloads: OffloadSupport) -> Bool {
    offloads.carries(facts.offload) || facts.isRawFrame
  }
}
