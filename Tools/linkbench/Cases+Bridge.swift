import SharedMemLink

extension BenchCase {
  /// From a link to another by a bridge in a second process. Both ends of the way are C in the first, on one processor: what
  /// differs is the bridge alone.
  static var bridges: [BenchCase] {
    [64, 1500, 9000, 65000].map { byteCount in
      BenchCase(
        name: "bridge/\(byteCount)", isByClock: true, weight: Double(max(1, 32768 / max(byteCount, 1500)))
      ) { _ in
        (try side(QueueBridge(.tuned, byteCount: byteCount)), try side(QueueBridge(.ours, byteCount: byteCount)))
      }
    }
  }

  private static func side(_ bridge: QueueBridge) throws -> Side {
    let source = try QueuePair.make()
    let target = try QueuePair.make()
    let second = try SecondProcess(bridge.words, queues: source.descriptors + target.descriptors)
    let near = try bridge.openNear(source, target)
    return Side(
      prepare: {
        try second.prepare(.echo, $0)
        return $0
      },
      move: {
        try second.go()
        return near.run($0)
      },
      close: {
        second.end()
        near.close()
      })
  }
}
