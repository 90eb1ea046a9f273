import Foundation
import LinkSystem
import LinkTestSupport

/// From the words of the command line to the exit code: 0 all was measured, 1 a case failed, 2 usage, 3 no root.
enum Bench {
  static var cases: [BenchCase] {
    BenchCase.sharedMemory + BenchCase.roundTrips + BenchCase.receiving + BenchCase.sending + BenchCase.live
  }

  static func run(_ words: [String]) -> CInt {
    if words.dropFirst().first == SecondProcess.word { return SecondProcess.run(words.dropFirst(2)) }
    let options: BenchOptions
    let chosen: [BenchCase]
    do throws(BenchFailure) {
      options = try BenchOptions(Array(words.dropFirst()))
      chosen = try options.choose(from: cases)
    } catch {
      say("\(error)")
      return 2
    }
    if options.wantsHelp || options.lists {
      Console.write(options.wantsHelp ? BenchOptions.help : chosen.map(\.name).joined(separator: "\n"), to: .output)
      return 0
    }
    if options.countsCosts {
      do { Console.write(try Costs.all().report(isJSON: options.isJSON), to: .output) } catch {
        say("\(error)")
        return 1
      }
      return 0
    }
    let isRoot = geteuid() == 0
    let possible = chosen.filter { isRoot || !$0.needsRoot }
    if possible.count < chosen.count {
      say("\(chosen.count - possible.count) of \(chosen.count) cases need root, for network devices: left out")
    }
    if possible.isEmpty { return 3 }
    do {
      // Before this thread is bound to one processor: those of the feeder and of second processes are others.
      _ = SecondProcess.cpu
      let feeder = try Feeder()
      defer { feeder.end() }
      let runner = options.runner
      let isJSON = options.isJSON
      guard possible.contains(where: \.needsRoot) else { return try measure(possible, runner, feeder, isJSON: isJSON) }
      let names = Set(possible.map(\.name))
      return try TestNetwork.inNamespace {
        try Wire.make()
        return try measure(cases.filter { names.contains($0.name) }, runner, feeder, isJSON: isJSON)
      }
    } catch {
      say("\(error)")
      return 1
    }
  }

  private static func measure(
    _ cases: [BenchCase], _ runner: Runner, _ feeder: Feeder, isJSON: Bool
  ) throws -> CInt {
    ProcessControl.pin(toAllowedCPU: 0)
    let machine = Hardware.current()
    if !isJSON { Console.write("\(machine)\n\n\(Table.header)", to: .output) }
    var results: [CaseResult] = []
    for benchCase in cases {
      do {
        let result = try runner.run(benchCase, feeder)
        if !isJSON { Console.write(Table.row(result), to: .output) }
        results.append(result)
      } catch { say("\(benchCase.name): \(error)") }
    }
    if isJSON { Console.write(try Table.json(machine, results), to: .output) }
    return results.count == cases.count ? 0 : 1
  }

  private static func say(_ text: String) { Console.write("linkbench: \(text)", to: .error) }
}
