import LinkSystem
import LinkTestSupport

/// From the words of the command line to the exit code: 0 all was measured, 1 a case failed, 2 usage, 3 no root.
enum Bench {
  static var cases: [BenchCase] {
    BenchCase.sharedMemory + BenchCase.roundTrips + BenchCase.bridges + BenchCase.gvisor + BenchCase.receiving
      + BenchCase.sending
      + BenchCase.live
  }

  static func run(_ words: [String]) -> CInt {
    if words.dropFirst().first == SecondProcess.word { return SecondProcess.run(words.dropFirst(2)) }
    do throws(BenchFailure) {
      let options = try BenchOptions(Array(words.dropFirst()))
      if options.wantsHelp {
        Console.write(BenchOptions.help, to: .output)
        return 0
      }
      return options.countsCosts
        ? try run(CostCase.all, options, count)
        : try run(IdleCase.all + cases, options, race)
    } catch {
      say("\(error)")
      return 2
    }
  }

  /// Does the work for those cases that were chosen and that this user may run.
  private static func run(
    _ cases: [any NamedCase], _ options: BenchOptions,
    _ work: @escaping @Sendable ([String], BenchOptions) throws -> CInt
  ) throws(BenchFailure) -> CInt {
    let chosen = try options.choose(from: cases)
    if options.lists {
      Console.write(chosen.map(\.name).joined(separator: "\n"), to: .output)
      return 0
    }
    var possible = chosen.filter(\.canRun)
    if possible.count < chosen.count {
      say("\(chosen.count - possible.count) of \(chosen.count) cases need root, for network devices: left out")
    }
    if !GVisorRace.isBuilt, possible.contains(where: \.needsGVisor) {
      possible.removeAll(where: \.needsGVisor)
      say("gvisor/… left out: Tests/Interop/go build -o \(Peer.path(of: GVisorRace.program)) makes what it needs")
    }
    if possible.isEmpty { return 3 }
    let names = possible.map(\.name)
    do {
      // Before this thread is bound to one processor: those of the feeder and of second processes are others.
      _ = SecondProcess.cpus
      guard possible.contains(where: \.needsRoot) else { return try work(names, options) }
      return try TestNetwork.inNamespace {
        try Wire.make()
        return try work(names, options)
      }
    } catch {
      say("\(error)")
      return 1
    }
  }

  @Sendable private static func count(_ names: [String], _ options: BenchOptions) throws -> CInt {
    let cases = CostCase.all.filter { names.contains($0.name) }
    let costs = count(cases, isJSON: options.isJSON)
    if options.isJSON { Console.write(try Table.json(["costs": costs]), to: .output) }
    return costs.count == cases.count ? 0 : 1
  }

  private static func count(_ cases: [CostCase], isJSON: Bool) -> [Costs] {
    // Who is followed and who follows are never busy at once.
    ProcessControl.pin(toAllowedCPU: 0)
    var all: [Costs] = []
    if !isJSON { Console.write(CostTable.header, to: .output) }
    for costCase in cases {
      attempt(costCase.name) {
        let costs = try Costs.measure(costCase)
        if !isJSON { Console.write(CostTable.row(costs), to: .output) }
        all.append(costs)
      }
    }
    return all
  }

  @Sendable private static func race(_ names: [String], _ options: BenchOptions) throws -> CInt {
    let end = options.nanoseconds.map { monotonicNanoseconds() + $0 }
    var report = BenchReport(machine: Hardware.current())
    if !options.isJSON { Console.write("\(report.machine)\n", to: .output) }
    // Before there is any other thread.
    let idle = IdleCase.all.filter { names.contains($0.name) }
    let races = cases.filter { names.contains($0.name) }
    if !idle.isEmpty, !options.isJSON { Console.write(Table.idleHeader, to: .output) }
    for idleCase in idle {
      attempt(idleCase.name) {
        let result = try idleCase.measure(nanoseconds: options.idleNanoseconds)
        if !options.isJSON { Console.write(Table.row(result), to: .output) }
        report.idle.append(result)
      }
    }
    let counted = options.names.isEmpty ? CostCase.all.filter { $0.canRun && ($0.isBrief || !options.isQuick) } : []
    if !idle.isEmpty, !options.isJSON { Console.write("", to: .output) }
    if !counted.isEmpty {
      report.costs = count(counted, isJSON: options.isJSON)
      if !options.isJSON { Console.write("", to: .output) }
    }
    if !races.isEmpty, !options.isJSON { Console.write(Table.header, to: .output) }
    let feeder = try Feeder()
    defer { feeder.end() }
    ProcessControl.pin(toAllowedCPU: 0)
    for (index, benchCase) in races.enumerated() {
      attempt(benchCase.name) {
        var runner = options.runner
        runner.nanoseconds = end.map { Self.share(of: races[index...], until: $0) }
        let result = try runner.run(benchCase, feeder)
        if !options.isJSON { Console.write(Table.row(result), to: .output) }
        report.cases.append(result)
      }
    }
    if options.isJSON { Console.write(try Table.json(report), to: .output) }
    let isWhole =
      report.idle.count == idle.count && report.costs.count == counted.count && report.cases.count == races.count
    return isWhole ? 0 : 1
  }

  /// The time of the first: what one leaves is for those that follow.
  private static func share(of cases: ArraySlice<BenchCase>, until end: UInt64) -> UInt64 {
    let now = monotonicNanoseconds()
    func parts(_ benchCase: BenchCase) -> UInt64 { benchCase.startsProcesses ? 3 : 1 }
    return end > now ? (end - now) * parts(cases.first!) / cases.reduce(0) { $0 + parts($1) } : 0
  }

  /// A case that fails says so, and the others go on.
  private static func attempt(_ name: String, _ body: () throws -> Void) {
    do { try body() } catch { say("\(name): \(error)") }
  }

  private static func say(_ text: String) { Console.write("linkbench: \(text)", to: .error) }
}
