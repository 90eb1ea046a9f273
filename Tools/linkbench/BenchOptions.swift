/// The command line.
struct BenchOptions: Equatable {
  static let help = """
    linkbench: the links beside plain C, on the same queues or around the same system calls, in alternating pairs

      --case NAME   only cases whose name contains this; may be given several times
      --list        names the cases, and runs none
      --quick       fewer and shorter rounds: under a minute for everything
      --costs       instead of times: allocations, notifications and sleeps of links in shared memory
      --json        one JSON object instead of a table
      --help

    Cases with network devices need root: they run in a network namespace of their own.
    Documentation/Benchmarks.md tells how to read the figures.
    """

  var names: [String] = []
  var isQuick = false
  var isJSON = false
  var countsCosts = false
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
      case "--json": isJSON = true
      case "--list": lists = true
      case "--help", "-h": wantsHelp = true
      default: throw BenchFailure("unknown word \(word) (see --help)")
      }
    }
  }

  var runner: Runner { isQuick ? Runner(pairs: 5, packets: 8192) : Runner(pairs: 15, packets: 32768) }

  /// Throws if a name fits nothing.
  func choose(from cases: [BenchCase]) throws(BenchFailure) -> [BenchCase] {
    for name in names where !cases.contains(where: { $0.name.contains(name) }) {
      throw BenchFailure("no case has \(name) in its name (see --list)")
    }
    return cases.filter { benchCase in names.isEmpty || names.contains { benchCase.name.contains($0) } }
  }
}
