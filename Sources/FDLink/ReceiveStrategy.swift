import LinkCore

/// A way of receiving. It brings frames from the kernel into packets; `ReceiveInput` judges each frame and each errno, so
/// that all ways agree. A further way is a further file, and a line in `ReceivePlan.makeStrategy`.
protocol ReceiveStrategy: ~Copyable, Sendable {
  /// Fills the first `limit` slots of `batch`, as far as there are good frames, without blocking. It looks at most at
  /// `limit` frames, good and bad, so that a flood of bad ones does not keep the link from its other work.
  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult
}

/// What an attempt to receive came to.
enum ReceiveResult {
  /// The batch has packets.
  case delivered
  /// Frames came, and none was good. There may be more.
  case filtered
  /// Nothing is there; the descriptor polls readable when something comes.
  case idle
  /// The interface is down: the descriptor may stay silent when it is up again.
  case paused
  /// Nothing will come any more.
  case stopped(LinkCloseReason)

  /// After `received` good frames, and `next` to go on with.
  init(_ received: Int, _ next: ReceiveInput.Next) {
    if received > 0 {
      self = .delivered
      return
    }
    self =
      switch next {
      case .again: .filtered
      case .idle: .idle
      case .paused: .paused
      case .stop(let reason): .stopped(reason)
      }
  }
}
