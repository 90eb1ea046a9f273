import Foundation
import FuzzTargets
import Testing

/// The inputs that are checked in: seeds, what the fuzzer made of them, and whatever once failed.
private let corpus = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "Corpus")

@Suite struct `The corpus` {
  @Test(arguments: FuzzTarget.allCases) func `passes its target`(target: FuzzTarget) throws {
    let folder = corpus.appending(path: target.rawValue)
    let names = try FileManager.default.contentsOfDirectory(atPath: folder.path).sorted()
    #expect(!names.isEmpty)
    for name in names {
      let content = try Array(Data(contentsOf: folder.appending(path: name)))
      #expect(throws: Never.self, "\(target.rawValue)/\(name)") { try target.run(content) }
    }
  }

  @Test(arguments: FuzzTarget.allCases) func `has every seed`(target: FuzzTarget) throws {
    for seed in target.seeds {
      let file = corpus.appending(path: target.rawValue).appending(path: seed.name)
      #expect(try Array(Data(contentsOf: file)) == seed.content, "fuzz --seeds=Tests/FuzzTests/Corpus writes it anew")
    }
  }
}
