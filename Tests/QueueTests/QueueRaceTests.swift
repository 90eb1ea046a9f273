import LinkQueue
import LinkSystem
import LinkTestSupport
import Synchronization
import Testing

/// A thread that overwrites the words of a pipe while an end reads them. Nobody else writes messages into that pipe: the
/// thread sanitizer would call that a race, and it would be one.
extension TwoThreadTests {
  /// A peer that writes while its words are read: what was checked must not be fetched again.
  private func race<Ends: QueueEnds & ~Copyable>(
    _ ends: inout Ends, _ file: PrivateRegion, _ name: String, _ step: (inout Ends, Int) -> Void
  ) throws {
    let random = SeededRandom(name)
    let isOver = Signal()
    let thread = try SystemThread(name: "scribbler") {
      var random = random
      while !isOver.flag.load(ordering: .relaxed) {
        // Mostly near the front, where the end under test is after each revival.
        let limit = random.next() % 4 == 0 ? file.byteCount / 8 : 16
        let word = Int(random.next() % UInt64(limit))
        file.region.store(random.plausibleHeader(file.byteCount), word * 8)
      }
    }
    var revivals = 0
    // The other thread may need a while to get a processor: a pipe that never broke shows nothing.
    var number = 0
    let end = deadline()
    while number < 50_000 || (revivals == 0 && monotonicNanoseconds() < end) {
      defer { number += 1 }
      if ends.isCorrupt {
        revivals += 1
        ends.revive()
      }
      step(&ends, number)
      ends.ledger = Ledger()
    }
    isOver.flag.store(true, ordering: .relaxed)
    thread.join()
    #expect(revivals > 0)
    #expect(ends.worksAgain() == true)
  }

  @Test func `a server reads packets while they change`() throws {
    var ends = ForwardQueues(QueueSizes.small)
    try race(&ends, ends.packets, "racing packets to a server") { ends, _ in
      ends.receive()
      // Or the server would wait for room for its completions.
      ends.client.collectCompletions()
    }
  }

  @Test func `a client reads packets while they change`() throws {
    var ends = BackwardQueues(QueueSizes.small)
    try race(&ends, ends.packets, "racing packets to a client") { ends, _ in
      ends.attach()
      ends.receive()
    }
  }

  @Test func `a client reads completions while they change`() throws {
    var ends = ForwardQueues(QueueSizes.small)
    try race(&ends, ends.returns, "racing completions") { ends, number in
      ends.send([1 + number % 300])
      _ = ends.hasRoom()
    }
  }

  @Test func `a server reads posts while they change`() throws {
    var ends = BackwardQueues(QueueSizes.small)
    try race(&ends, ends.returns, "racing posts") { ends, number in
      ends.send([1 + number % 300])
      _ = ends.hasRoom()
    }
  }
}

private final class Signal: Sendable {
  let flag = Atomic<Bool>(false)
}
