/// The worker thread in the MODEL of `LinkRunner`. It mirrors LinkRunner+Thread.swift (`run`, `nextAttachment`, `sleep`),
/// but never spins.
struct WorkerModel: Sendable {
  let link: LifecycleModel
  let over: Region

  /// Threads, one after the other, until the scenario is over.
  func live(_ side: Side) throws(Halt) {
    while try side.poll([link.start, over]) & 1 != 0 {
      try side.take(link.start)
      side.note("starts")
      try run(side)
      side.note("ends")
      try side.ring(link.gone)
    }
  }

  private func run(_ side: Side) throws(Halt) {
    while let seen = try nextAttachment(side) {
      while let hasDelivered = try link.turn(side, seen) {
        if !hasDelivered { try sleep(side, seen) }
      }
    }
  }

  private func nextAttachment(_ side: Side) throws(Halt) -> UInt64? {
    try side.lock(link.state)
    let phase = try side.read(link.phase)
    let seen = try side.load(link.version)
    let isDone = phase == LifecycleModel.Phase.idle || phase == LifecycleModel.Phase.closed
    if isDone, link.bug != .threadEndsUnlocked { side.write(link.isThreadLive, 0) }
    try side.unlock(link.state)
    if isDone, link.bug == .threadEndsUnlocked {
      try side.lock(link.state)
      side.write(link.isThreadLive, 0)
      try side.unlock(link.state)
    }
    if phase == LifecycleModel.Phase.attached { return seen }
    if !isDone { try link.finish(side) }
    return nil
  }

  private func sleep(_ side: Side, _ seen: UInt64) throws(Halt) {
    guard try link.prepareToWait(side, seen) else { return }
    let reported = try side.poll([link.bell, link.event])
    try link.waitEnded(side, reported)
  }
}
