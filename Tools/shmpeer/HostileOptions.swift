import HostilePeer

/// What the command line of `shmpeer hostile` says.
struct HostileOptions {
  enum Style { case table, json, markdown }

  var wantsHelp = false
  /// Only tell what there is.
  var isList = false
  var attacks: [Attack] = []
  var roles = LinkRole.allCases
  var seed: UInt64?
  /// How long storms last.
  var duration: Duration = .milliseconds(300)
  var style = Style.table
  /// The words of a foreign victim; empty: a victim of one's own.
  var victim: [String] = []

  init(_ words: ArraySlice<String>) throws(Failure) {
    let parts = words.split(separator: "--", maxSplits: 1, omittingEmptySubsequences: false)
    if parts.count == 2 { victim = Array(parts[1]) }
    var front = parts.first ?? []
    let name = front.first.flatMap { $0.hasPrefix("-") ? nil : $0 }
    if name != nil { front = front.dropFirst() }
    var arguments = Arguments(front, command: "hostile")
    while let flag = try arguments.nextFlag() {
      switch flag {
      case "--help", "-h": wantsHelp = true
      case "--role": roles = [try arguments.choice(of: flag, LinkRole.self)]
      case "--seed": seed = UInt64(try arguments.integer(of: flag, in: 0...Int.max))
      case "--seconds": duration = try arguments.seconds(of: flag, in: 0.01...3600)
      case "--json": style = .json
      case "--markdown": style = .markdown
      default: throw arguments.usage("unknown flag \(flag)")
      }
    }
    if wantsHelp { return }
    if parts.count == 2, victim.isEmpty { throw arguments.usage("the words of a victim are missing behind --") }
    switch name {
    case nil: throw arguments.usage("an attack is missing: its name, all, or list")
    case "list": isList = true
    case "all": attacks = Attack.catalogue
    case .some(let name):
      attacks = Attack.catalogue.filter { $0.name == name }
      if attacks.isEmpty { throw arguments.usage("no attack is named \(name): shmpeer hostile list has the names") }
      guard attacks[0].victims.contains(where: roles.contains) else {
        throw arguments.usage("\(name) is for victims in the role of \(attacks[0].victims[0].rawValue)")
      }
    }
  }

  /// What is to be done: each attack on each role that it is for, as far as the victim can take part.
  var assaults: [(attack: Attack, role: LinkRole)] {
    attacks.flatMap { attack in attack.victims.filter(roles.contains).map { (attack, $0) } }
      .filter { victim.isEmpty || $0.attack.isHandOver == doesHandOver }
  }

  private var doesHandOver: Bool { victim.contains { $0.contains("{socket}") } }

  /// How victims are started.
  func command(_ tool: String) -> VictimCommand {
    guard victim.isEmpty else {
      return VictimCommand(receiver: victim, sender: victim, client: victim, server: victim)
    }
    let attach =
      [tool, "attach", "--role", "{role}", "--tx-fds", "{tx-fds}", "--rx-fds", "{rx-fds}"]
      + ["--peer-fd", "{peer-fd}", "--json"]
    return VictimCommand(
      receiver: attach + ["--sink"], sender: attach + ["--echo"], unsealed: ["--accept-unsealed"],
      client: [tool, "connect", "--socket", "{socket}", "--sink", "--json"],
      server: [tool, "serve", "--socket", "{socket}", "--sink", "--json"])
  }
}
