import LinkTestSupport

/// Whether links can be opened and closed, and can stand still, for as long as one likes: ends with 0 if nothing grew.
/// `soak [LINKS [SECONDS]]`.
let numbers = CommandLine.arguments.dropFirst().compactMap { Int($0) }
let links = numbers.first ?? 10_000
let seconds = numbers.dropFirst().first ?? 60
let kinds = LinkPairFactory.sharedMemory + LinkPairFactory.descriptors

print("opening and closing \(links) links")
try Soak.cycles(links, kinds) { print($0) }

print("a stuck consumer on each of \(kinds.count) links for \(seconds) s")
try Soak.stuckConsumer(seconds: Double(seconds), kinds) { print($0) }
