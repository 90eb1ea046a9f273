import LinkSystem

/// How one attack on one victim went.
package struct Verdict: Sendable {
  package enum Outcome: String, Sendable {
    case goesOn = "goes on"
    case closed, refused
    /// Neither traffic nor an end.
    case stalled
    case fell
  }

  package var attack: Attack
  package var role: LinkRole
  package var outcome: Outcome
  /// The close reason, or what is wrong.
  package var detail: String
  package var endMilliseconds = 0.0
  /// Of a victim in a process of its own: what the attack made it grow by, and all its processor time.
  package var grownByteCount = 0
  package var processorSeconds = 0.0

  /// Whether this package's promise was kept to the letter.
  package var keepsPromise: Bool {
    switch attack.promise {
    case .goesOn: outcome == .goesOn
    case .closes: outcome == .closed
    case .survives: outcome != .fell && outcome != .refused
    case .refuses: outcome == .refused
    }
  }

  /// Whether the victim came to harm: any implementation may close where ours goes on, but not stand still.
  package var isFallen: Bool { outcome == .fell || (outcome == .stalled && attack.promise != .survives) }
}

/// One attack on one fresh victim, from an honest beginning to the end.
package struct Assault {
  package var attack: Attack
  package var seed: UInt64
  /// How long storms last.
  package var duration: Duration
  /// Within which a victim has to end.
  package var endLimit: Duration

  package init(
    _ attack: Attack, seed: UInt64, duration: Duration = .milliseconds(300), endLimit: Duration = .seconds(1)
  ) {
    self.attack = attack
    self.seed = seed
    self.duration = duration
    self.endLimit = endLimit
  }

  /// More than this, beside what it had when its link worked, is more than the link needs.
  private static let mostGrowth = 64 << 20

  package func run(on victim: any Victim) -> Verdict {
    var verdict = Verdict(attack: attack, role: victim.role, outcome: .fell, detail: "")
    do {
      verdict.outcome = try outcome(on: victim, &verdict)
    } catch { verdict.detail = "\(error)" }
    let last = victim.usage
    let ending = victim.end(within: endLimit)
    verdict.endMilliseconds = ending.milliseconds
    verdict.processorSeconds = Double((victim.usage ?? last)?.processorNanoseconds ?? 0) / 1e9
    if let fault = ending.fault {
      verdict.outcome = .fell
      verdict.detail = verdict.detail.isEmpty ? fault : "\(verdict.detail); \(fault)"
    } else if verdict.detail.isEmpty {
      verdict.detail = ending.reason
      if attack.promise == .refuses, verdict.outcome == .closed, ending.isRefusal { verdict.outcome = .refused }
    }
    return verdict
  }

  private func outcome(on victim: any Victim, _ verdict: inout Verdict) throws -> Verdict.Outcome {
    var random = SeededGenerator(seed: seed)
    switch attack.body {
    case .files(let spoil):
      let files = try LinkFiles()
      try spoil(files, &random)
      try victim.start(files, sends: attack.needsSender)
      return waitForEnd(of: victim) ? .closed : .stalled
    case .handOver(let strike):
      let contact = try Contact(victim, duration: duration, random: random)
      var peer = try strike(contact)
      if attack.promise == .goesOn, peer == nil {
        try contact.reconnect()
        peer = try contact.acceptOffer()
      }
      guard let peer else { return attack.promise == .refuses && waitForEnd(of: victim) ? .closed : .stalled }
      return aftermath(peer, victim)
    case .link(let strike):
      let files = try LinkFiles(isSealed: !attack.isUnsealed)
      try victim.start(files, sends: attack.needsSender)
      files.closeVictimSocket()
      let peer = try HostilePeer(files, victim: victim.role, duration: duration, random: random)
      guard peer.exchange(within: .seconds(10), unless: { victim.hasEnded }) else {
        throw Complaint("no honest packet came through before the attack")
      }
      let before = victim.usage
      peer.demandCalm = { try demandCalm(of: victim) }
      try strike(peer)
      let outcome = aftermath(peer, victim)
      let calm = Result { if outcome != .closed { try demandCalm(of: victim) } }
      // Who grew says more than who is busy: growing makes busy.
      try compare(before, victim.usage, outcome, &verdict)
      try calm.get()
      return outcome
    }
  }

  private func aftermath(_ peer: HostilePeer, _ victim: any Victim) -> Verdict.Outcome {
    if attack.promise == .closes, waitForEnd(of: victim) { return .closed }
    if peer.exchange(unless: { victim.hasEnded }) { return .goesOn }
    return victim.hasEnded ? .closed : .stalled
  }

  private func waitForEnd(of victim: any Victim) -> Bool {
    let deadline = monotonicNanoseconds() &+ 3_000_000_000
    while !victim.hasEnded, monotonicNanoseconds() < deadline { HostilePeer.pause() }
    return victim.hasEnded
  }

  /// What it holds must not have grown.
  private func compare(
    _ before: VictimUsage?, _ after: VictimUsage?, _ outcome: Verdict.Outcome, _ verdict: inout Verdict
  ) throws {
    guard let before, let after else { return }
    verdict.grownByteCount = max(0, after.residentByteCount - before.residentByteCount)
    if verdict.grownByteCount > Self.mostGrowth {
      throw Complaint("it grew by \(verdict.grownByteCount >> 20) MiB")
    }
    if after.descriptorCount > before.descriptorCount {
      throw Complaint("it had \(before.descriptorCount) descriptors, and has \(after.descriptorCount)")
    }
  }

  /// Left alone, it must come to rest: less than a fifth of the time running, or ready to, in one of a few looks.
  private func demandCalm(of victim: any Victim) throws {
    for _ in 0..<10 {
      guard let start = victim.usage?.busyNanoseconds else { return }
      let began = monotonicNanoseconds()
      while monotonicNanoseconds() &- began < 50_000_000 { _ = try poll(-1, [], nanoseconds: 50_000_000) }
      guard let end = victim.usage?.busyNanoseconds else { return }
      // A thread that ended took its time along.
      if end < start || (end &- start) * 5 < monotonicNanoseconds() &- began { return }
    }
    throw Complaint("it is busy with nothing to do")
  }
}
