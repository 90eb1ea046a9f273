import Foundation
import LinkSystem

/// `linkbench plot` and `linkbench page`: what is made of figures that were measured before.
enum ResultsCommand {
  /// Nil if the words ask for something else. Otherwise 0, 1 if a file cannot be written, 2 for wrong words or figures.
  static func run(_ words: [String]) -> CInt? {
    guard let command = words.first, command == "plot" || command == "page" else { return nil }
    let files: [(path: String, text: String)]
    do throws(BenchFailure) {
      let (inputs, target) = try parse(words)
      let results = try Results(files: inputs)
      files = command == "plot" ? pictures(results, in: target) : try page(results, at: target)
      if files.isEmpty {
        throw BenchFailure("the figures have neither rates over shared memory nor round trips: no picture")
      }
    } catch {
      Console.write("linkbench: \(command): \(error)", to: .error)
      return 2
    }
    do {
      // All are made by now. Each takes its place as a whole.
      for (path, text) in files {
        let url = URL(filePath: path)
        try FileManager.default.createDirectory(at: url.deletingLastPathComponent(), withIntermediateDirectories: true)
        try Data(text.utf8).write(to: url, options: .atomic)
      }
    } catch {
      Console.write("linkbench: \(command): \(error.localizedDescription)", to: .error)
      return 1
    }
    return 0
  }

  private static func parse(_ words: [String]) throws(BenchFailure) -> (inputs: [String], target: String) {
    var inputs: [String] = []
    var target: String?
    var rest = words.dropFirst()
    while let word = rest.popFirst() {
      if word == "--to", let value = rest.popFirst() {
        target = value
      } else if word.hasPrefix("-") {
        throw BenchFailure("\(word) is not known here, or lacks its value (see --help)")
      } else {
        inputs.append(word)
      }
    }
    guard let target else { throw BenchFailure("where to? --to \(words[0] == "plot" ? "FOLDER" : "PAGE.md")") }
    if inputs.isEmpty { throw BenchFailure("it needs at least one file that linkbench --json wrote") }
    return (inputs, target)
  }

  private static func pictures(_ results: Results, in folder: String) -> [(String, String)] {
    Plot.pictures(results).map { ("\(folder)/\($0.name)", $0.source) }
  }

  /// The pictures of `Results.md` are in the folder `Results` beside it.
  private static func page(_ results: Results, at path: String) throws(BenchFailure) -> [(String, String)] {
    guard path.hasSuffix(".md"), path.count > 3 else { throw BenchFailure("\(path): a page's name ends in .md") }
    let folder = String(path.dropLast(3))
    let name = URL(filePath: folder).lastPathComponent
    return pictures(results, in: folder) + [(path, Page(results: results, folder: name).source)]
  }
}
