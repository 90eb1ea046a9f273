package import LinkCore
import LinkSystem

/// A dispatcher that keeps a copy of everything, and on which a test can wait.
package final class Inbox: LinkDispatcher {
  package struct Record: Sendable {
    /// The network layer of each packet, and its link header.
    package var packets: [[UInt8]] = []
    package var headers: [[UInt8]] = []
    package var batchSizes: [Int] = []
    package var roomCalls = 0
    package var closeReasons: [LinkCloseReason] = []
    /// Callbacks that came while another was running, or after the end: none may.
    package var strayCallbacks = 0
    fileprivate var isInCallback = false

    fileprivate var copy: Record {
      var record = self
      record.packets = packets.ownCopy
      record.headers = headers.ownCopy
      record.batchSizes = batchSizes.ownCopy
      record.closeReasons = closeReasons.ownCopy
      return record
    }
  }

  private let record = Monitor(Record())
  private let onDelivery: @Sendable (inout PacketBatch) -> Void
  private let onRoom: @Sendable () -> Void
  private let onClose: @Sendable (LinkCloseReason) -> Void

  /// The hooks run inside the callback, after it was recorded.
  package init(
    onDelivery: @escaping @Sendable (inout PacketBatch) -> Void = { _ in },
    onRoom: @escaping @Sendable () -> Void = {},
    onClose: @escaping @Sendable (LinkCloseReason) -> Void = { _ in }
  ) {
    self.onDelivery = onDelivery
    self.onRoom = onRoom
    self.onClose = onClose
  }

  package var snapshot: Record { record.withLock { $0.copy } }
  /// How often `linkHasRoom` was called.
  package var roomCalls: Int { record.withLock { $0.roomCalls } }

  // MARK: Callbacks

  package func deliverPackets(_ packets: inout PacketBatch) {
    var payloads: [[UInt8]] = []
    var headers: [[UInt8]] = []
    for index in 0..<packets.count where packets.holds(index) {
      packets.withPacket(index) { packet in
        payloads.append(packet.withBytes { bytes in bytes.indices.map { bytes[$0] } })
        headers.append(packet.withFrame { frame in (0..<packet.linkHeaderLength).map { frame[$0] } })
      }
    }
    enter {
      $0.packets += payloads
      $0.headers += headers
      $0.batchSizes.append(payloads.count)
    }
    onDelivery(&packets)
    leave()
  }

  package func linkHasRoom() {
    enter { $0.roomCalls += 1 }
    onRoom()
    leave()
  }

  package func linkDidClose(_ reason: LinkCloseReason) {
    enter { $0.closeReasons.append(reason) }
    onClose(reason)
    leave()
  }

  private func enter(_ change: (inout Record) -> Void) {
    record.withLock { record in
      if record.isInCallback || !record.closeReasons.isEmpty { record.strayCallbacks += 1 }
      record.isInCallback = true
      change(&record)
    }
  }

  private func leave() { record.withLock { $0.isInCallback = false } }

  // MARK: Waiting

  /// The packets, once there are at least `count`; what there is at the deadline.
  package func waitForPackets(_ count: Int, deadline end: UInt64 = deadline()) -> [[UInt8]] {
    record.wait(deadline: end) { $0.packets.count >= count ? $0.packets.ownCopy : nil } ?? snapshot.packets
  }

  /// Why the link closed; nil if it did not by the deadline.
  package func waitForClose(deadline end: UInt64 = deadline()) -> LinkCloseReason? {
    record.wait(deadline: end) { $0.isInCallback ? nil : $0.closeReasons.first }
  }

  /// Whether there were more than `seen` calls of `linkHasRoom` by the deadline, or the link closed.
  package func waitForRoom(after seen: Int, deadline end: UInt64 = deadline()) -> Bool {
    record.wait(deadline: end) { $0.roomCalls > seen || !$0.closeReasons.isEmpty ? true : nil } ?? false
  }
}
