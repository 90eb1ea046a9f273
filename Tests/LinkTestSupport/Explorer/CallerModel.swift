/// A driver of a link with `drive = .caller`, in the MODEL of `LinkRunner`. It mirrors LinkRunner+Caller.swift (`step`,
/// `plan`, both as far as a link is attached), and the loop in the documentation of `DrivenLink`. Without the quick way:
/// that is a step which looked at the phase long ago and found no wait prepared; where it comes to nothing a whole one
/// follows.
struct CallerModel: Sendable {
  /// `busy`: idle, because another side is in a turn.
  enum Step {
    case delivered, idle, notAttached, closed
    case busy(UInt64)
  }

  let link: LifecycleModel

  /// The documented loop, until the link is closed or not attached.
  func drive(_ side: Side) throws(Halt) {
    while true {
      switch try step(side) {
      case .delivered: continue
      case .closed, .notAttached: return
      case .idle: if try plan(side) { _ = try side.poll([link.bell, link.event]) }
      case .busy(let holder):
        if try plan(side) {
          _ = try side.poll([link.bell, link.event])
        } else {
          // The loop goes round and round until that turn is over.
          try side.awaitChange(link.turns, from: holder)
        }
      }
    }
  }

  func step(_ side: Side) throws(Halt) -> Step {
    try side.lock(link.state)
    let phase = try side.read(link.phase)
    let seen = try side.load(link.version)
    try side.unlock(link.state)
    switch phase {
    case LifecycleModel.Phase.idle: return .notAttached
    case LifecycleModel.Phase.closed: return .closed
    case LifecycleModel.Phase.closing:
      let holder = try side.tryLock(link.turns)
      guard holder == 0 else { return .busy(holder) }
      try side.unlock(link.turns)
      try link.finish(side)
      return .closed
    default:
      let holder = try side.tryLock(link.turns)
      guard holder == 0 else { return .busy(holder) }
      try link.disarm(side, nil)
      let hasDelivered = try link.turnHoldingLock(side, seen)
      if hasDelivered == nil, link.bug != .stepKeepsRing { try side.ring(link.bell) }
      try side.unlock(link.turns)
      return hasDelivered == true ? .delivered : .idle
    }
  }

  private func plan(_ side: Side) throws(Halt) -> Bool {
    let seen = try side.load(link.version)
    // `isAttached`: a flag of its own there, written before the version.
    guard try side.load(link.isAttached) != 0 else { return false }
    return try link.prepareToWait(side, seen)
  }
}
