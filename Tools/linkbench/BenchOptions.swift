import Glibc

/// The command line.
struct BenchOptions: Equatable {
  static let help = """
    linkbench: the links beside plain C, on the same queues or around the same system calls, in alternating pairs

      --case NAME   only cases whose name contains this; may be given several times
      --list        names the cases, and runs none
      --quick       fewer and shorter rounds: within a minute for everything
      --pairs N     so many rounds of each side; --packets N: about so many packets in a round
      --costs       instead of times, what is the same on every machine: allocations, notifications, sleeps, fences,
                    system calls and instructions
      --json        one JSON object instead of a table
      --help

    linkbench demo [--quick] [--pairs N] [--json]
                                        what shmpeer demo --check none shows, beside plain C
    linkbench plot FILE… --to FOLDER    draws pictures of what --json wrote
    linkbench page FILE… --to PAGE.md   the same, and a page with all figures

    Cases with network devices need root: they run in a network namespace of their own.
    Documentation/Benchmarks.md tells how to read the figures.
    """

  var names: [String] = []
  var isQuick = false
  var isJSON = false
  var countsCosts = false
  var pairs: Int?
  var packets: Int?
  var lists = false
  var wantsHelp = false

  init(_ words: [String]) throws(BenchFailure) {
    var words = words[...]
    while let word = words.popFirst() {
      switch word {
      case "--case":
        guard let name = words.popFirst() else { throw BenchFailure("--case needs a name (see --list)") }
        names.append(name)
      case "--quick": isQuick = true
      case "--costs": countsCosts = true
      case "--pairs": pairs = try Self.number(words.popFirst(), word)
      case "--packets": packets = try Self.number(words.popFirst(), word)
      case "--json": isJSON = true
      case "--list": lists = true
      case "--help", "-h": wantsHelp = true
      default: throw BenchFailure("unknown word \(word) (see --help)")
      }
    }
  }

  private static func number(_ text: String?, _ word: String) throws(BenchFailure) -> Int {
    guard let number = text.flatMap({ Int($0) }), number > 0 else {
      throw BenchFailure("\(word) needs a number, 1 or more")
    }
    return number
  }

  var runner: Runner {
    Runner(pairs: pairs ?? (isQuick ? 5 : 15), packets: packets ?? (isQuick ? 8192 : 32768))
  }

  /// How long all cases may take together; nil: as long as they do.
  var nanoseconds: UInt64? { isQuick ? 54_000_000_000 : nil }
  /// Of a silent link.
  var idleNanoseconds: UInt64 { isQuick ? 1_000_000_000 : 5_000_000_000 }

  /// Throws if a name fits nothing.
  func choose(from cases: [any NamedCase]) throws(BenchFailure) -> [any NamedCase] {
    for name in names where !cases.contains(where: { $0.name.contains(name) }) {
      throw BenchFailure("no case has \(name) in its name (see --list)")
    }
    return cases.filter { each in names.isEmpty || names.contains { each.name.contains($0) } }
  }
}

/// What the command line finds by its name.
protocol NamedCase {
  var name: String { get }
  var needsRoot: Bool { get }
  var needsGVisor: Bool { get }
}

extension NamedCase {
  var needsGVisor: Bool { false }
  /// Whether this user may.
  var canRun: Bool { !needsRoot || geteuid() == 0 }
}

extension BenchCase: NamedCase {}
extension IdleCase: NamedCase {}
extension CostCase: NamedCase {}
