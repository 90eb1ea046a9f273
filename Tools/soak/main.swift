import Glibc
import LinkSystem
import LinkTestSupport

/// Whether links can be opened and closed, and can stand still, for as long as one likes: ends with 0 if nothing grew.
/// `soak [LINKS [SECONDS]]`.
let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let links = numbers.first ?? 10_000
let seconds = numbers.dropFirst().first ?? 60
let kinds = LinkPairFactory.sharedMemory + LinkPairFactory.descriptors

do {
  Console.write("opening and closing \(links) links", to: .output)
  try Soak.cycles(links, kinds) { Console.write($0, to: .output) }
  Console.write("a stuck consumer on each of \(kinds.count) links for \(seconds) s", to: .output)
  try Soak.stuckConsumer(seconds: Double(seconds), kinds) { Console.write($0, to: .output) }
} catch {
  Console.write("soak: \(error)", to: .error)
  exit(1)
}
