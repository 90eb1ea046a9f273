import LinkSystem

/// The two ways in which a link could grow: by being opened and closed, and by standing still. In a process of its own,
/// where nobody else opens anything.
package enum Soak {
  /// How much the resident memory may move after the warm-up: the allocator's and the kernel's, in KiB.
  package static let tolerance = 2048

  /// Opens and closes `count` links of these kinds in turn. Throws if a descriptor, a thread or a mapping is left, or if
  /// the memory grew since the first tenth. `report` gets ten lines.
  package static func cycles(_ count: Int, _ kinds: [LinkPairFactory], report: (String) -> Void) throws {
    let pieces = 10
    let each = max(1, count / (pieces * kinds.count))
    // What the first use of anything allocates for good is not a leak.
    for pairs in kinds { try LinkConformance.cycles(3, pairs) }
    let before = try ResourceSnapshot.baseline()
    var first = 0
    for piece in 1...pieces {
      let start = monotonicNanoseconds()
      for pairs in kinds { try LinkConformance.cycles(each, pairs) }
      let seconds = Double(monotonicNanoseconds() - start) / 1e9
      _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
      let now = try ResourceSnapshot()
      let resident = try ResourceSnapshot.residentKiB().all
      if piece == 1 { first = resident }
      report(
        "\(piece * each * kinds.count) links, \(Int(Double(each * kinds.count) / seconds))/s: \(now), "
          + "\(now.mappingCount) mappings, \(resident) KiB")
      let excess = now.excess(over: before)
      try expect(excess == [], "left behind: \(excess)")
      // The allocator takes some for its threads' heaps, once.
      let grown = now.mappingCount - before.mappingCount
      try expect(grown <= 32, "\(grown) mappings more")
    }
    let last = try ResourceSnapshot.residentKiB().all
    try expect(isThreadSanitized || last <= first + tolerance, "the memory grew from \(first) to \(last) KiB")
  }

  /// Lets a consumer of each kind stand still for so long, in seconds, under traffic. Throws if the memory grew since the
  /// first tenth, or a packet is lost. `report` gets ten lines.
  package static func stuckConsumer(seconds: Double, _ kinds: [LinkPairFactory], report: (String) -> Void) throws {
    let links = try kinds.map { try StuckConsumer($0) }
    for link in links { try link.start() }
    // All buffers are used once before the measurement: the kernel gives pages to those that are touched.
    for link in links { try link.waitUntilFull() }
    for link in links { link.letOtherEndGo() }
    var sizes: [Int] = []
    let nothing = Monitor(())
    for piece in 1...10 {
      _ = nothing.wait(deadline: deadline(after: .seconds(seconds / 10))) { _ -> Void? in nil }
      let resident = try ResourceSnapshot.residentKiB()
      sizes.append(resident.all)
      let counts = links.map(\.counts).reduce((sent: 0, received: 0)) { ($0.sent + $1.sent, $0.received + $1.received) }
      report(
        "\(Double(piece) * seconds / 10) s: \(resident.all) KiB, \(resident.shared) of them shared; \(counts.sent) packets wait for the stuck end, "
          + "\(counts.received) arrived from it")
    }
    for link in links { try link.finish() }
    try expect(isThreadSanitized || sizes.max()! <= sizes[0] + tolerance, "the memory grew: \(sizes) KiB")
  }
}
