import Foundation
import FuzzTargets

// fuzz --target=NAME FILE…      runs each file once, in a plain build
// fuzz --target=NAME …          libFuzzer's own arguments, in a build by Tools/check fuzz
// fuzz --list                   the names
// fuzz --seeds=FOLDER           writes the seeds of all targets, each into a folder of its name

let arguments = CommandLine.arguments.dropFirst()

func option(_ name: String) -> String? {
  arguments.first { $0.hasPrefix("--\(name)=") }.map { String($0.dropFirst(name.count + 3)) }
}

if arguments.contains("--list") {
  for target in FuzzTarget.allCases { print(target.rawValue) }
} else if let folder = option("seeds") {
  for target in FuzzTarget.allCases {
    let place = URL(filePath: folder).appending(path: target.rawValue)
    try FileManager.default.createDirectory(at: place, withIntermediateDirectories: true)
    for seed in target.seeds { try Data(seed.content).write(to: place.appending(path: seed.name)) }
  }
} else if let target = option("target").flatMap(FuzzTarget.init(rawValue:)) {
  #if FUZZING
    runFuzzer(target)
  #else
    for file in arguments where !file.hasPrefix("-") {
      try target.run(Array(Data(contentsOf: URL(filePath: file))))
      print("\(file): passed")
    }
  #endif
} else {
  print("usage: fuzz --list | --seeds=FOLDER | --target=NAME FILE…")
  exit(2)
}
