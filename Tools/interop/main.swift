import Glibc
import InteropSupport
import LinkSystem

/// `interop [PACKETS [ROUNDS]] [MEDIUM...]`: the tables of Documentation/Interop.md, in Markdown on standard output.
///
/// Every cell of the matrix carries so many packets (10000) that are verified; then ours with gVisor and gVisor with itself
/// take turns without verifying, for so many rounds (3). Without a medium: all of them.
let words = CommandLine.arguments.dropFirst()
let numbers = words.prefix(2).compactMap { Int($0) }
let names = words.dropFirst(numbers.count)
let media = Cell.media.filter { names.isEmpty || names.contains("\($0)") }
guard numbers.allSatisfy({ $0 > 0 }), names.isEmpty || names.count == media.count else {
  let known = Cell.media.map { "\($0)" }.joined(separator: ", ")
  Console.write("usage: interop [PACKETS [ROUNDS]] [MEDIUM...], of \(known)", to: .error)
  exit(2)
}
guard GvisorPeer.isBuildable else {
  Console.write("interop: needs gVisor: apt-get install golang-go golang-gvisor-gvisor-dev", to: .error)
  exit(3)
}
do {
  let survey = Survey(
    media: media, packets: numbers.first ?? 10_000, rounds: numbers.dropFirst().first ?? 3)
  exit(try survey.run() ? 0 : 1)
} catch {
  Console.write("interop: \(error)", to: .error)
  exit(1)
}
