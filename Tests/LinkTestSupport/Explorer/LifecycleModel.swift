/// A MODEL of `LinkRunner`, not the runner itself, which owns a thread and descriptors: the same locks, flags and order of
/// steps, named alike, so that the two can be read side by side.
///
/// It mirrors LinkRunner.swift (`attach`, `detach`, `change`) and LinkRunner+End.swift (`close`, `wait`, `finish` without
/// the owner's action).
/// Whoever changes one changes the other.
struct LifecycleModel: Sendable {
  /// `LinkRunner.Phase`.
  enum Phase {
    static let idle: UInt64 = 0
    static let attached: UInt64 = 1
    static let closing: UInt64 = 2
    static let closed: UInt64 = 3
  }

  let hasThread: Bool
  let bug: LifecycleScenario.Bug
  // `LinkRunner.state`: its lock, and what it guards.
  let state: Region
  let phase: Guarded
  let isThreadLive: Guarded
  let isAttached: Region
  let isFinishing: Guarded
  // `LinkRunner.turnLock`, likewise.
  let turns: Region
  let isArmed: Guarded
  let isReleased: Guarded
  let version: Region
  let bell: Region
  let closedLatch: Region
  // A thread: begun, and gone.
  let start: Region
  let gone: Region
  // What the link owns: messages of the peer, of which so many were delivered, the notification word and the event.
  let messages: Region
  let delivered: Guarded
  let word: Region
  let event: Region
  // Seen from outside.
  let isDetached: Region

  init(_ scenario: inout Scenario, _ bug: LifecycleScenario.Bug, isAttachedFirst: Bool, hasThread: Bool) {
    self.hasThread = hasThread
    self.bug = bug
    let attached: UInt32 = isAttachedFirst ? 1 : 0
    let running: UInt32 = hasThread ? attached : 0
    state = scenario.region("state lock")
    phase = scenario.region("phase", under: state, initially: attached * UInt32(Phase.attached))
    isThreadLive = scenario.region("isThreadLive", under: state, initially: running)
    isAttached = scenario.region("isAttached", initially: attached)
    isFinishing = scenario.region("isFinishing", under: state)
    turns = scenario.region("turn lock")
    isArmed = scenario.region("isArmed", under: turns)
    isReleased = scenario.region("isReleased", under: turns)
    version = scenario.region("version", initially: attached)
    bell = scenario.region("bell")
    closedLatch = scenario.region("closedLatch")
    start = scenario.region("thread start", initially: running)
    gone = scenario.region("thread end", initially: 1 - running)
    messages = scenario.region("messages")
    delivered = scenario.region("delivered", under: turns)
    word = scenario.region("word")
    event = scenario.region("event")
    isDetached = scenario.region("detached")
  }

  func attach(_ side: Side) throws(Halt) {
    side.store(isDetached, 0, releases: true)
    try side.lock(state)
    if try side.read(phase) == Phase.idle {
      if hasThread, try side.read(isThreadLive) == 0 {
        _ = try side.poll([gone])
        try side.take(gone)
        try side.ring(start)
        side.write(isThreadLive, 1)
      }
      try change(side, Phase.attached)
    }
    try side.unlock(state)
  }

  func detach(_ side: Side) throws(Halt) {
    try side.lock(state)
    if try side.read(phase) == Phase.attached { try change(side, Phase.idle) }
    try side.unlock(state)
    if bug != .detachDoesNotWait {
      try side.lock(turns)
      try side.unlock(turns)
    }
    side.store(isDetached, 1, releases: true)
  }

  func close(_ side: Side) throws(Halt) {
    var nobodyDrives = false
    try side.lock(state)
    switch try side.read(phase) {
    case Phase.idle:
      try change(side, Phase.closing)
      nobodyDrives = try side.read(isThreadLive) == 0
    case Phase.attached: try change(side, Phase.closing)
    default: break
    }
    try side.unlock(state)
    if nobodyDrives { try finish(side) }
  }

  func wait(_ side: Side) throws(Halt) { _ = try side.poll([closedLatch]) }

  /// Under the state lock.
  func change(_ side: Side, _ new: UInt64) throws(Halt) {
    side.write(phase, new)
    side.store(isAttached, new == Phase.attached ? 1 : 0, releases: true)
    side.store(version, try side.load(version) + 1, releases: true)
    if bug != .changeDoesNotRing { try side.ring(bell) }
  }

  func finish(_ side: Side) throws(Halt) {
    try side.lock(state)
    let isClosing = try isClosing(side)
    let isFinishingAlready = try side.read(isFinishing) != 0
    let isMine = isClosing && (bug == .finishesTwice || !isFinishingAlready)
    if isMine { side.write(isFinishing, 1) }
    try side.unlock(state)
    guard isMine else { return }
    try side.lock(turns)
    try side.require(side.read(isReleased) == 0, "the link's resources are released twice")
    side.write(isReleased, 1)
    try side.lock(state)
    try change(side, Phase.closed)
    side.write(isThreadLive, 0)
    try side.unlock(state)
    side.note("tells of the end")
    try side.unlock(turns)
    _ = try side.exchange(closedLatch, 1)
  }

  func isClosing(_ side: Side) throws(Halt) -> Bool {
    try side.read(phase) == Phase.closing
  }
}
