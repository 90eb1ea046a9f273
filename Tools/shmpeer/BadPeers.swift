import LinkSystem

/// Tells of peers that were dropped. They may come thousands a second: after the first few there is one line a second.
struct BadPeers {
  private var said = 0
  private var unsaid = 0
  private var quietUntil: UInt64 = 0

  mutating func note(_ why: String) {
    let now = monotonicNanoseconds()
    if said >= 16, now < quietUntil {
      unsaid += 1
      return
    }
    Console.write("shmpeer: peer dropped: \(why)\(unsaid == 0 ? "" : ", and \(unsaid) others before it")", to: .error)
    said += 1
    unsaid = 0
    quietUntil = now + 1_000_000_000
  }
}
