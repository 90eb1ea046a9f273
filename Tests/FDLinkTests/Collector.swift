import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import Synchronization

/// A dispatcher that keeps copies of what it is given, and lets a test wait for it.
final class Collector: LinkDispatcher {
  struct State {
    var frames: [[UInt8]] = []
    var batches = 0
    var roomCalls = 0
    var closings: [LinkCloseReason] = []
    /// Deliveries after the end: there must be none.
    var late = 0

    fileprivate var ownCopy: State {
      var copy = self
      copy.frames = frames.ownCopy
      copy.closings = closings.ownCopy
      return copy
    }
  }
  private let state = Lock(State())
  private let bell: EventFD
  private let never: EventFD
  /// Called inside each delivery, before the frames are kept.
  let onDelivery: @Sendable () -> Void
  /// Called inside each `linkHasRoom`.
  let onRoom: @Sendable () -> Void

  init(onDelivery: @escaping @Sendable () -> Void = {}, onRoom: @escaping @Sendable () -> Void = {}) throws(LinkError) {
    bell = try EventFD()
    never = try EventFD()
    self.onDelivery = onDelivery
    self.onRoom = onRoom
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    onDelivery()
    state.withLock { state in
      state.batches += 1
      if !state.closings.isEmpty { state.late += packets.count }
      for index in 0..<packets.count {
        state.frames.append(packets.withPacket(index) { $0.withFrame(bytes) })
      }
    }
    ring()
  }

  func linkHasRoom() {
    state.withLock { $0.roomCalls += 1 }
    onRoom()
    ring()
  }

  func linkDidClose(_ reason: LinkCloseReason) {
    state.withLock { $0.closings.append(reason) }
    ring()
  }

  private func ring() { do { try bell.notify() } catch { fatalError("\(error)") } }

  var now: State { state.withLock { $0.ownCopy } }
  var frames: [[UInt8]] { now.frames }

  /// Waits until the condition holds; false after ten seconds.
  func waits(for condition: (State) -> Bool) -> Bool {
    let deadline = monotonicNanoseconds() + 10_000_000_000
    while !condition(now) {
      let time = monotonicNanoseconds()
      guard time < deadline else { return false }
      do {
        _ = try bell.wait(stop: never, timeout: .nanoseconds(Int64(deadline - time)))
        _ = try bell.read()
      } catch { return false }
    }
    return true
  }
}

/// A span's bytes as an array.
func bytes(_ span: Span<UInt8>) -> [UInt8] { span.indices.map { span[$0] } }
