import Foundation
import LinkSystem
import LinkTestSupport

/// `linkbench demo`: what `shmpeer demo --check none` shows, beside plain C at the same size, direction and batch. Each round runs
/// one after the other, as programs of their own, since both keep their processes on processors of their choice.
enum DemoCommand {
  private static let directions = ["client-to-server", "server-to-client"]
  private static let shapes = [(batch: 32, byteCount: 64), (1, 64), (32, 1500), (32, 9000), (32, 65000)]

  /// Nil if the words ask for something else. Otherwise 0, 1 if a round failed, 2 for wrong words.
  static func run(_ words: [String]) -> CInt? {
    guard words.first == "demo" else { return nil }
    let options: BenchOptions
    do throws(BenchFailure) { options = try BenchOptions(Array(words.dropFirst())) } catch {
      Console.write("linkbench: demo: \(error)", to: .error)
      return 2
    }
    if options.wantsHelp {
      Console.write(BenchOptions.help, to: .output)
      return 0
    }
    do {
      let machine = Hardware.current()
      if !options.isJSON { Console.write("\(machine)\n\n\(Table.header)", to: .output) }
      var results: [CaseResult] = []
      for (batch, byteCount) in shapes {
        for result in try race(batch: batch, byteCount: byteCount, pairs: options.pairs ?? (options.isQuick ? 3 : 9)) {
          if !options.isJSON { Console.write(Table.row(result), to: .output) }
          results.append(result)
        }
      }
      if options.isJSON { Console.write(try Table.json(DemoReport(machine: machine, cases: results)), to: .output) }
      return 0
    } catch {
      Console.write("linkbench: demo: \(error)", to: .error)
      return 1
    }
  }

  /// Both directions, which come from the same runs.
  private static func race(batch: Int, byteCount: Int, pairs: Int) throws -> [CaseResult] {
    func name(_ baseline: String, _ direction: String) -> String { "\(baseline)/\(direction)/\(batch)/\(byteCount)" }
    var rounds: [[(baseline: Measurement, ours: Measurement)]] = directions.map { _ in [] }
    for _ in 0..<pairs {
      let plain = try output(
        of: "linkbench",
        ["--json", "--pairs", "3", "--packets", "4096"] + directions.flatMap { ["--case", name("shm/plain", $0)] })
      let demo = try output(
        of: "shmpeer",
        ["demo", "--json", "--check", "none", "--duration", "0.1", "--batch", "\(batch)", "--size", "\(byteCount)"])
      for (index, direction) in directions.enumerated() {
        guard let theirs = baseline(plain, name("shm/plain", direction)),
          let ours = (demo[direction.replacing("-", with: "_")] as? [String: Any])?["packets_per_second"] as? NSNumber
        else { throw BenchFailure("a run told no rate for \(direction)") }
        rounds[index].append((Measurement(rate: theirs, byteCount), Measurement(rate: ours.doubleValue, byteCount)))
      }
    }
    return zip(directions, rounds).map { CaseResult(name: name("demo", $0), isByClock: true, $1) }
  }

  private static func baseline(_ report: [String: Any], _ name: String) -> Double? {
    let row = (report["cases"] as? [[String: Any]])?.first { $0["name"] as? String == name }
    let rates = (row?["baseline"] as? [String: Any])?["packetsPerSecond"] as? [String: Any]
    return (rates?["median"] as? NSNumber)?.doubleValue
  }

  /// `tool`: beside this program.
  private static func output(of tool: String, _ words: [String]) throws -> [String: Any] {
    let program = Peer.path(of: tool)
    guard FileManager.default.isExecutableFile(atPath: program) else {
      throw BenchFailure("\(program) is missing: build it by swift build -c release --product \(tool)")
    }
    let outcome = try Peer(words, executable: program).wait()
    guard outcome.ending == .exited(0), let json = outcome.json else {
      throw BenchFailure("\(tool) \(words.joined(separator: " ")): \(outcome.ending) \(outcome.messages)")
    }
    return json
  }
}

extension Measurement {
  /// A second of it.
  fileprivate init(rate: Double, _ byteCount: Int) {
    self.init(packets: Int(rate), bytes: Int(rate) * byteCount, nanoseconds: 1_000_000_000)
  }
}

private struct DemoReport: Encodable {
  var machine: Hardware
  var cases: [CaseResult]
}
