import LinkQueue
import LinkTestSupport
import Testing

/// Small rings in every layout, step by step against a list.
@Suite struct PipeExhaustiveTests {
  typealias Step = ComparedPipe.Step
  static let lengths = [32, 37, 40, 47, 48, 56, 61, 64, 72, 80, 88, 96]

  /// Where a message can begin.
  private static func offsets(_ byteCount: Int) -> [Int] {
    [0] + stride(from: 16, through: byteCount / 8 * 8 - 8, by: 8)
  }

  /// Between two pushes.
  private static let between: [[Step]] = [
    [], [.flush], [.abort], [.flush, .pull], [.pull, .flush], [.flush, .pull, .giveBack], [.flush, .giveBack, .pull],
  ]
  /// Behind the last.
  private static let behind: [[Step]] = [[], [.abort], [.pull, .flush, .pull, .pull]]

  private func run(_ byteCount: Int, at offset: Int, _ steps: [Step]) -> String? {
    var compared = ComparedPipe(byteCount, at: offset)
    for step in steps { compared.take(step) }
    compared.drain()
    // Whatever happened, an empty pipe takes what an empty pipe takes.
    compared.take(.push(8))
    compared.drain()
    return compared.difference
  }

  @Test(arguments: lengths) func `every pair of messages from every offset in every order of steps`(byteCount: Int) {
    let most = byteCount / 8 * 8 - 16
    let sizes = (1...most).filter { $0 % 8 < 2 || $0 == most }
    for offset in Self.offsets(byteCount) {
      for first in sizes {
        for second in sizes {
          for middle in Self.between {
            for last in Self.behind {
              let difference = run(byteCount, at: offset, [.push(first)] + middle + [.push(second)] + last)
              if let difference { Issue.record("\(difference)") }
            }
          }
        }
      }
    }
  }

  @Test(arguments: lengths) func `every triple of messages from every offset`(byteCount: Int) {
    let sizes = Array(stride(from: 8, through: byteCount / 8 * 8 - 16, by: 8))
    // The longer rings differ from the shorter ones in nothing but the number of cases.
    let middles = byteCount <= 64 ? Self.between : [[], [.flush, .pull, .giveBack]]
    for offset in Self.offsets(byteCount) {
      for first in sizes {
        for second in sizes {
          for third in sizes {
            for one in middles {
              for two in middles.prefix(byteCount <= 56 ? 7 : 2) {
                let steps: [Step] = [.push(first)] + one + [.push(second)] + two + [.push(third)]
                if let difference = run(byteCount, at: offset, steps) { Issue.record("\(difference)") }
              }
            }
          }
        }
      }
    }
  }

  @Test(arguments: [32, 40, 48, 64]) func `every sequence of five steps from every offset`(byteCount: Int) {
    let most = byteCount / 8 * 8 - 16
    let choices: [Step] = [.push(8), .push(most), .flush, .abort, .pull, .giveBack]
    for offset in Self.offsets(byteCount) {
      for number in 0..<7776 {
        let steps = [1, 6, 36, 216, 1296].map { choices[number / $0 % 6] }
        if let difference = run(byteCount, at: offset, steps) { Issue.record("\(difference)") }
      }
    }
  }

  @Test(arguments: lengths + [128, 1000, 4096]) func `long random runs`(byteCount: Int) {
    var random = SeededRandom("random pipe of \(byteCount) bytes")
    var compared = ComparedPipe(byteCount)
    let most = byteCount / 8 * 8 - 16
    for _ in 0..<4000 where compared.difference == nil {
      switch random.next() % 8 {
      case 0...2:
        compared.take(.push(Int.random(in: 1...(Bool.random(using: &random) ? most : min(16, most)), using: &random)))
      case 3: compared.take(.flush)
      case 4: compared.take(random.next() % 4 == 0 ? .abort : .flush)
      case 5, 6: compared.take(.pull)
      default: compared.take(.giveBack)
      }
    }
    compared.drain()
    #expect(compared.difference == nil)
  }
}
