import Foundation
import HostilePeer
import LinkTestSupport
import Testing

/// Families of attacks against one role, in a process of their own: nothing else opens or closes anything there.
struct Campaign: Sendable, Codable, CustomTestStringConvertible {
  var family: String
  var role: LinkRole
  /// Where to write what happens.
  var log = ""
  var testDescription: String { "\(family), \(role.rawValue)" }

  static let all = Attack.Family.allCases.flatMap { family in
    LinkRole.allCases.map { Campaign(family: family.rawValue, role: $0) }
  }

  var attacks: [Attack] { Attack.catalogue.filter { $0.family.rawValue == family && $0.victims.contains(role) } }

  /// All attacks, one after the other, beside an innocent link.
  func run() throws {
    // What the first use of anything allocates for good is not a leak.
    say("\(testDescription)")
    _ = Assault(Attack.catalogue[0], seed: 1).run(on: EndpointVictim(role))
    _ = try InnocentLink().finish()
    let seed = SeededRandom("hostile \(testDescription)").seed
    for attack in attacks { try run(attack, seed) }
  }

  private func say(_ line: String) {
    guard let file = FileHandle(forWritingAtPath: log) else { return }
    file.seekToEndOfFile()
    file.write(Data("\(line)\n".utf8))
  }

  private func run(_ attack: Attack, _ seed: UInt64) throws {
    let what = "\(attack.name) on a \(role.rawValue), seed \(seed)"
    // The last words, if this ends the process.
    say("\(what):")
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
    say("  \(verdict.outcome.rawValue), \(verdict.detail)")
    say("  closed in \(verdict.endMilliseconds) ms; the link beside it carried \(arrived) of \(sent)")
    try #require(verdict.keepsPromise, "\(what): \(verdict.outcome.rawValue), \(verdict.detail)")
    try #require(sent == arrived, "\(what)")
    try #require(isThreadSanitized || growth < 64 << 20, "\(what)")
  }
}

@Suite(.serialized) struct `Endpoints under attack` {
  @Test(arguments: Campaign.all)
  func `keep their promise, leave nothing behind, and do not disturb the link beside them`(campaign: Campaign) async {
    // A file, because nothing else is left of a process that was ended by a signal.
    var campaign = campaign
    campaign.log = NSTemporaryDirectory() + "hostile-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).log"
    _ = FileManager.default.createFile(atPath: campaign.log, contents: nil)
    defer { try? FileManager.default.removeItem(atPath: campaign.log) }
    await #expect(processExitsWith: .success) { [campaign] in try campaign.run() }
    print((try? String(contentsOfFile: campaign.log, encoding: .utf8)) ?? "")
  }
}

@Suite struct `The catalogue` {
  @Test func `names every attack once, and has several in each family`() {
    #expect(Set(Attack.catalogue.map(\.name)).count == Attack.catalogue.count)
    for family in Attack.Family.allCases { #expect(Attack.catalogue.count { $0.family == family } >= 6) }
  }
}
