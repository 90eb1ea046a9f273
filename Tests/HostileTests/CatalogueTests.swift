import Foundation
import HostilePeer
import LinkTestSupport
import Testing

/// Families of attacks against one role, in a process of their own: nothing else opens or closes anything there.
struct Campaign: Sendable, Codable, CustomTestStringConvertible {
  var family: String
  var role: LinkRole
  var testDescription: String { "\(family), \(role.rawValue)" }

  static let all = Attack.Family.allCases.flatMap { family in
    LinkRole.allCases.map { Campaign(family: family.rawValue, role: $0) }
  }

  var attacks: [Attack] { Attack.catalogue.filter { $0.family.rawValue == family && $0.victims.contains(role) } }

  /// All attacks, one after the other, beside an innocent link.
  func run() throws {
    // What the first use of anything allocates for good is not a leak.
    _ = Assault(Attack.catalogue[0], seed: 1).run(on: EndpointVictim(role))
    _ = try InnocentLink().finish()
    let seed = SeededRandom("hostile \(testDescription)").seed
    for attack in attacks { try run(attack, seed) }
  }

  private func run(_ attack: Attack, _ seed: UInt64) throws {
    let what = "\(attack.name) on a \(role.rawValue), seed \(seed)"
    // The last words, if this ends the process.
    FileHandle.standardError.write(Data("\(what)\n".utf8))
    let before = try ResourceSnapshot.baseline()
    try strike(attack, seed, what)
    _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
    let excess = try ResourceSnapshot().excess(over: before)
    try #require(excess == [], "\(what)")
  }

  private func strike(_ attack: Attack, _ seed: UInt64, _ what: String) throws {
    let innocent = try InnocentLink()
    let memory = VictimUsage(ofProcess: getpid())
    let verdict = Assault(attack, seed: seed, duration: .milliseconds(150)).run(on: EndpointVictim(role))
    let growth = (VictimUsage(ofProcess: getpid())?.residentByteCount ?? 0) - (memory?.residentByteCount ?? 0)
    let (sent, arrived) = try innocent.finish()
    print("\(what): \(verdict.outcome.rawValue), \(verdict.detail);", terminator: " ")
    print("closed in \(verdict.endMilliseconds) ms; the link beside it carried \(arrived) of \(sent)")
    try #require(verdict.keepsPromise, "\(what): \(verdict.outcome.rawValue), \(verdict.detail)")
    try #require(sent == arrived, "\(what)")
    try #require(growth < 64 << 20, "\(what)")
  }
}

@Suite(.serialized) struct `Endpoints under attack` {
  @Test(arguments: Campaign.all)
  func `keep their promise, leave nothing behind, and do not disturb the link beside them`(campaign: Campaign) async {
    let result = await #expect(processExitsWith: .success, observing: [\.standardOutputContent]) { [campaign] in
      try campaign.run()
    }
    // With the times that closing took.
    print(String(decoding: result?.standardOutputContent ?? [], as: UTF8.self))
  }
}

@Suite struct `The catalogue` {
  @Test func `names every attack once, and has several in each family`() {
    #expect(Set(Attack.catalogue.map(\.name)).count == Attack.catalogue.count)
    for family in Attack.Family.allCases { #expect(Attack.catalogue.count { $0.family == family } >= 6) }
  }
}
