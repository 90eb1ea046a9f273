/// Makes few large packets of many small ones: within a batch, segments of a flow that follow one another become one
/// packet, which carries the facts by which it can be cut again. The kernel calls this generic receive offload.
///
/// A packet of several segments has the place of the first; packets of one flow never change their order. Nothing is
/// allocated after `init`.
package struct Coalescer {
  private struct Entry {
    var run: SegmentRun
    /// Where its first segment is.
    let position: Int
  }

  private let kinds: OffloadSupport
  /// The latest run of each flow, of the last few flows.
  private var entries: [Entry] = []
  private var oldest = 0

  /// So many flows are told apart: a packet looks at as many entries.
  private static let flowCapacity = 16

  /// `kinds`: which of the kinds of segmentation there may be.
  package init(_ kinds: OffloadSupport) {
    self.kinds = kinds.union(.checksum)
    entries.reserveCapacity(Self.flowCapacity)
  }

  /// Coalesces the packets of a batch. Returns how many became part of another one. `linkHeaderLength`: of the link's
  /// frames, 0 or 14.
  package mutating func coalesce(_ batch: inout PacketBatch, linkHeaderLength: Int) -> Int {
    batch.compact()
    let count = batch.count
    if count < 2 { return 0 }
    var kept = 0
    for index in 0..<count {
      let role = batch.withPacket(index) { PacketRole($0, linkHeaderLength: linkHeaderLength) }
      if join(role, index, place: kept, &batch) { continue }
      batch.exchange(kept, index)
      kept += 1
    }
    completeAll(&batch)
    batch.setReceived(kept)
    return count - kept
  }

  /// Whether the packet at `index` became part of another one. If not, it is going to `place`.
  private mutating func join(_ role: PacketRole, _ index: Int, place: Int, _ batch: inout PacketBatch) -> Bool {
    switch role {
    case .unclear:
      completeAll(&batch)
      return false
    case .other(let flow):
      if let known = find(flow) {
        complete(entries[known], &batch)
        entries.remove(at: known)
      }
      return false
    case .segment(let segment):
      let entry = Entry(run: SegmentRun(segment), position: place)
      if let known = find(segment.flow) {
        if append(segment, index, to: known, &batch) { return true }
        complete(entries[known], &batch)
        entries[known] = entry
      } else if kinds.carries(entry.run.offload) {
        insert(entry, &batch)
      }
      return false
    }
  }

  private func find(_ flow: FlowKey) -> Int? {
    for index in entries.indices where entries[index].run.head.flow == flow { return index }
    return nil
  }

  private mutating func append(
    _ segment: TransportSegment, _ index: Int, to known: Int, _ batch: inout PacketBatch
  ) -> Bool {
    let position = entries[known].position
    guard batch.withPacket(position, { $0.tailroom >= segment.payloadByteCount }) else { return false }
    var run = entries[known].run
    let isPart = batch.withPacket(position) { head in
      batch.withPacket(index) { packet in
        head.withFrame { headFrame in packet.withFrame { run.append(segment, $0, headFrame: headFrame) } }
      }
    }
    entries[known].run = run
    if isPart { batch.append(segment.layout.payloadStart..<segment.layout.payloadEnd, of: index, to: position) }
    return isPart
  }

  private mutating func insert(_ entry: Entry, _ batch: inout PacketBatch) {
    if entries.count < Self.flowCapacity { return entries.append(entry) }
    // Any choice is good: whichever it is, its flow goes on with a new packet.
    oldest = (oldest + 1) % Self.flowCapacity
    complete(entries[oldest], &batch)
    entries[oldest] = entry
  }

  private mutating func completeAll(_ batch: inout PacketBatch) {
    for entry in entries { complete(entry, &batch) }
    entries.removeAll(keepingCapacity: true)
  }

  private func complete(_ entry: Entry, _ batch: inout PacketBatch) {
    if entry.run.count == 1 { return }
    batch.modify(entry.position) { packet in
      packet.withMutableBytes { entry.run.complete(&$0) }
      packet.facts.offload = entry.run.offload
    }
  }
}
