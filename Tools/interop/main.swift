import Glibc
import InteropSupport
import LinkSystem

/// `interop [PACKETS [ROUNDS]]`: the tables of Documentation/Interop.md, in Markdown on standard output.
///
/// Every cell of the matrix carries so many packets (10000) that are verified; then ours with gVisor and gVisor with itself
/// take turns without verifying, for so many rounds (3).
let numbers = CommandLine.arguments.dropFirst().map { Int($0) ?? 0 }
guard numbers.count <= 2, numbers.allSatisfy({ $0 > 0 }) else {
  Console.write("usage: interop [PACKETS [ROUNDS]]", to: .error)
  exit(2)
}
guard GvisorPeer.isBuildable else {
  Console.write("interop: needs gVisor: apt-get install golang-go golang-gvisor-gvisor-dev", to: .error)
  exit(3)
}
do {
  let survey = Survey(packets: numbers.first ?? 10_000, rounds: numbers.dropFirst().first ?? 3)
  exit(try survey.run() ? 0 : 1)
} catch {
  Console.write("interop: \(error)", to: .error)
  exit(1)
}
