import Eventfd
import LinkCore
import LinkSystem
import Synchronization

/// The dispatcher of an attachment as one of several workers sees it. All of them go through one gate, one at a time unless
/// the dispatcher takes more; the end is told by one of them only.
final class SharedDispatcher: LinkDispatcher {
  /// One per attachment.
  final class Gate: Sendable {
    private let isConcurrent: Bool
    private let turn = Lock(())
    private let isShut = Atomic<Bool>(false)

    init(isConcurrent: Bool) { self.isConcurrent = isConcurrent }

    /// Nobody who is not inside comes in any more.
    func shut() { isShut.store(true, ordering: .releasing) }

    /// Nil, and `body` not called, when the attachment is over.
    func pass<R: Sendable>(_ body: () -> R) -> R? {
      if isConcurrent { return isShut.load(ordering: .acquiring) ? nil : body() }
      // Who detached while this worker waited was inside a callback, and expects no further one.
      return turn.withLock { _ in isShut.load(ordering: .acquiring) ? nil : body() }
    }
  }

  let dispatcher: any LinkDispatcher
  let gate: Gate
  private let tellsEnd: Bool

  init(_ dispatcher: any LinkDispatcher, _ gate: Gate, tellsEnd: Bool) {
    self.dispatcher = dispatcher
    self.gate = gate
    self.tellsEnd = tellsEnd
  }

  /// A turn with the dispatcher of an attachment: through the gate, if several workers share it. Idle, and `body` not
  /// called, when the attachment is over.
  static func pass(_ dispatcher: any LinkDispatcher, _ body: (any LinkDispatcher) -> LinkTurn) -> LinkTurn {
    guard let shared = dispatcher as? SharedDispatcher else { return body(dispatcher) }
    return shared.gate.pass { body(shared.dispatcher) } ?? .idle
  }

  // Turns pass the gate before they receive, and deliver to `dispatcher` itself.
  func deliverPackets(_ packets: inout PacketBatch) { dispatcher.deliverPackets(&packets) }
  func linkHasRoom() { gate.pass { dispatcher.linkHasRoom() } }
  func linkDidClose(_ reason: LinkCloseReason) { if tellsEnd { dispatcher.linkDidClose(reason) } }
}
