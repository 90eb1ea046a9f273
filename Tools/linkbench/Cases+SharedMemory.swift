import SharedMemLink

extension BenchCase {
  /// Saturated rate between two processes, as the receiver's clock has it: both sides spin, each on a processor.
  static var sharedMemory: [BenchCase] {
    [Contender.plain, .tuned].flatMap { baseline in
      [SharedMemEndpoint.Role.client, .server].flatMap { sender in
        [1, 32].flatMap { batch in
          [64, 256, 1500, 9000, 65000].map { rate(baseline, sender, batch: batch, byteCount: $0) }
        }
      }
    }
  }

  private static func rate(
    _ baseline: Contender, _ sender: SharedMemEndpoint.Role, batch: Int, byteCount: Int
  ) -> BenchCase {
    let direction = sender == .client ? "client-to-server" : "server-to-client"
    return BenchCase(
      name: "shm/\(baseline.rawValue)/\(direction)/\(batch)/\(byteCount)", isByClock: true,
      weight: Double(max(1, 65536 / max(byteCount, 1500)))
    ) { _ in
      func side(_ contender: Contender) throws -> Side {
        try Side(QueueEnd(sender, contender, batch: batch, byteCount: byteCount), .send) { near, count in
          try near.receive(count)
        }
      }
      return (try side(baseline), try side(.ours))
    }
  }

  /// Single packets of 64 bytes, there and back. `paced`: 1,000 a second.
  static var roundTrips: [BenchCase] {
    [
      roundTrip("spin", .spins, weight: 2), roundTrip("sleep", .sleeps, weight: 1.0 / 32),
      roundTrip("paced", .asUsual, every: 1_000_000, weight: 1.0 / 128),
    ]
  }

  private static func roundTrip(
    _ name: String, _ waiting: Waiting, every interval: UInt64? = nil, weight: Double
  ) -> BenchCase {
    BenchCase(name: "round-trip/\(name)/64", isByClock: true, weight: weight) { _ in
      func side(_ contender: Contender) throws -> Side {
        try Side(QueueEnd(.client, contender, batch: 1, byteCount: 64, waiting: waiting), .echo) { near, count in
          try near.ping(count, every: interval)
        }
      }
      return (try side(.tuned), try side(.ours))
    }
  }
}

extension Side {
  /// The far end, in a second process, does its job while the near one works here.
  init(
    _ far: QueueEnd, _ job: SecondProcess.Job, _ work: @escaping (any RunningEnd, Int) throws -> Moved
  ) throws {
    let queues = try QueuePair.make()
    let second = try SecondProcess(far.words, queues: queues.descriptors)
    let near = try far.opposite.open(queues)
    self.init(
      prepare: {
        try second.prepare(job, $0)
        return $0
      },
      move: {
        try second.go()
        return try work(near, $0)
      },
      close: {
        second.end()
        near.close()
      })
  }
}
