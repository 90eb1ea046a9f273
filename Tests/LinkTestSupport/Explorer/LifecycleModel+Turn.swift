import LinkQueue

/// What happens under the turn lock, in the MODEL of `LinkRunner`. It mirrors LinkRunner+Turn.swift, and in it the
/// receiver's order of steps (`ReceiverState`). The notification word is the real one.
extension LifecycleModel {
  /// Whether something was delivered; nil when the phase has changed.
  func turn(_ side: Side, _ seen: UInt64) throws(Halt) -> Bool? {
    try side.lock(turns)
    let hasDelivered = try turnHoldingLock(side, seen)
    try side.unlock(turns)
    return hasDelivered
  }

  func turnHoldingLock(_ side: Side, _ seen: UInt64) throws(Halt) -> Bool? {
    if try side.load(version) != seen, bug != .turnIgnoresPhase { return nil }
    try side.require(side.read(isReleased) == 0, "a turn after the resources were released")
    let count = try side.read(delivered)
    guard try side.load(messages) > count else { return false }
    try side.require(side.load(isDetached) == 0, "a delivery after detach() returned")
    side.write(delivered, count + 1)
    side.note("delivers")
    return true
  }

  /// Whether to wait.
  func prepareToWait(_ side: Side, _ seen: UInt64) throws(Halt) -> Bool {
    try side.lock(turns)
    let isReady = try arm(side, seen)
    try side.unlock(turns)
    return isReady
  }

  private func arm(_ side: Side, _ seen: UInt64) throws(Halt) -> Bool {
    if try side.load(version) != seen, bug != .waitIgnoresPhase { return false }
    try side.require(side.read(isReleased) == 0, "a bell is armed after the resources were released")
    let word = NotificationWord(side.memory(word))
    word.enable()
    if try side.load(messages) > side.read(delivered) {
      word.disable()
      return false
    }
    side.write(isArmed, 1)
    return true
  }

  func waitEnded(_ side: Side, _ reported: UInt64) throws(Halt) {
    try side.lock(turns)
    try disarm(side, reported)
    try side.unlock(turns)
  }

  /// `reported`: the bell and the link's event; nil where somebody else waited.
  func disarm(_ side: Side, _ reported: UInt64?) throws(Halt) {
    guard try side.read(isArmed) != 0 else { return }
    side.write(isArmed, 0)
    if (reported ?? 1) & 1 != 0 { try side.take(bell) }
    guard try side.read(isReleased) == 0 else { return }
    NotificationWord(side.memory(word)).disable()
    if (reported ?? 2) & 2 != 0 { try side.take(event) }
  }
}
