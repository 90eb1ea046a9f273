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
      weight: max(1, 65536 / max(byteCount, 1500))
    ) { _ in
      func side(_ contender: Contender) throws -> Side {
        let far = QueueEnd(sender, contender, batch: batch, byteCount: byteCount)
        let queues = try QueuePair.make()
        let second = try SecondProcess(far, queues)
        let near = try far.opposite.open(queues)
        return Side(
          prepare: {
            try second.prepare(.send, $0)
            return $0
          },
          move: {
            try second.go()
            return try near.receive($0)
          },
          close: {
            second.end()
            near.close()
          })
      }
      return (try side(baseline), try side(.ours))
    }
  }
}
