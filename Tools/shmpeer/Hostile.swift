import HostilePeer
import LinkSystem

/// `shmpeer hostile`: the catalogue of attacks, a fresh victim for each.
struct Hostile {
  let options: HostileOptions
  let watch: Watch
  private let seed: UInt64

  static func run(_ words: ArraySlice<String>) throws(Failure) -> ExitCode {
    let options = try HostileOptions(words)
    if options.wantsHelp {
      Console.write(Help.hostile, to: .output)
      return .done
    }
    if options.isList {
      for attack in Attack.catalogue { Console.write(HostileTable.line(attack), to: .output) }
      return .done
    }
    return try Hostile(options).run()
  }

  private init(_ options: HostileOptions) throws(Failure) {
    self.options = options
    watch = try Watch()
    seed = options.seed ?? UInt64.random(in: 1...UInt64(UInt32.max))
  }

  private func run() throws(Failure) -> ExitCode {
    let command = options.command(ProcessControl.executablePath)
    // Tables are for the same people as progress; the other styles leave standard output to what comes at the end.
    let progress: Console.Stream = options.style == .table ? .output : .error
    Console.write("seed \(seed)", to: .error)
    var verdicts: [Verdict] = []
    for (attack, role) in options.assaults {
      if watch.isSignalled { throw Failure(.unverified, "ended by a signal before all attacks were made") }
      let victim: ProcessVictim
      do { victim = try ProcessVictim(role, command) } catch { throw Failure(.missing, "\(attack.name): \(error)") }
      let verdict = Assault(attack, seed: seed, duration: options.duration).run(on: victim)
      verdicts.append(verdict)
      Console.write(HostileTable.line(verdict, isGood: isGood(verdict)), to: progress)
    }
    let bad = verdicts.filter { !isGood($0) }
    switch options.style {
    case .table: break
    case .json: Console.write(HostileTable.json(verdicts, bad, seed: seed).description, to: .output)
    case .markdown: for line in HostileTable.markdown(verdicts) { Console.write(line, to: .output) }
    }
    let slowest = verdicts.map(\.endMilliseconds).max() ?? 0
    Console.write(
      "\(verdicts.count) attacks, \(bad.count) victims fell, slowest end \(decimal(slowest, places: 1)) ms", to: .error)
    return bad.isEmpty ? .done : .unverified
  }

  /// A victim of this package does what is promised; another one must not come to harm.
  private func isGood(_ verdict: Verdict) -> Bool {
    options.victim.isEmpty ? verdict.keepsPromise : !verdict.isFallen
  }
}
