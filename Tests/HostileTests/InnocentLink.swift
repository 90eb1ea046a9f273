import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink

/// A link between two ends of this process that has nothing to do with any attack, and carries 10,000 packets a second.
final class InnocentLink: Sendable {
  private let sender: SharedMemEndpoint
  private let receiver: SharedMemEndpoint
  private let counter = PacketCounter()
  private let pace = Monitor(Pace())

  private struct Pace: Sendable {
    var isOver = false
    var sent: UInt64?
  }

  init() throws {
    let queues = try QueuePair.make()
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    receiver = try SharedMemEndpoint(.server, queues: try queues.duplicate(), peer: ends[0])
    sender = try SharedMemEndpoint(.client, queues: queues, peer: ends[1])
    try receiver.attach(counter)
    try sender.attach(Inbox())
    _ = try SystemThread(name: "pacer") { [sender, pace] in
      let count = Self.send(on: sender) { end in pace.wait(deadline: end) { $0.isOver ? true : nil } != nil }
      pace.withLock { $0.sent = count }
    }
  }

  /// Ten packets a millisecond, and those that a late wake-up missed.
  private static func send(on link: SharedMemEndpoint, isOver: (UInt64) -> Bool) -> UInt64 {
    let pool = PacketPool(frameByteCount: 100, capacity: 32)
    let began = monotonicNanoseconds()
    var sent: UInt64 = 0
    while !isOver(monotonicNanoseconds() + 1_000_000) {
      let due = (monotonicNanoseconds() - began) / 100_000
      var misses = 0
      while sent < due, misses < 1000 {
        var batch = PacketBatch(capacity: 32, pool: pool)
        for number in sent..<min(due, sent + 32) { append(number, to: &batch) }
        let count = UInt64((try? link.writeBatch(batch)) ?? 0)
        sent += count
        misses = count == 0 ? misses + 1 : 0
        if misses > 0, isOver(monotonicNanoseconds() + 100_000) { return sent }
      }
    }
    return sent
  }

  private static func append(_ number: UInt64, to batch: inout PacketBatch) {
    batch.append { packet in
      packet.append(60) { bytes in
        bytes[0] = 0x45
        for index in 0..<8 { bytes[1 + index] = UInt8(truncatingIfNeeded: number >> UInt64(8 * index)) }
      }
    }
  }

  /// Ends it. Returns how many packets were sent, and how many of them came, in order.
  func finish() throws -> (sent: UInt64, arrived: UInt64) {
    pace.withLock { $0.isOver = true }
    let sent = pace.wait(deadline: deadline()) { $0.sent } ?? 0
    let arrived = counter.wait(for: sent)
    for link in [sender, receiver] {
      link.close()
      try link.wait()
    }
    return (sent, arrived)
  }
}

/// Counts packets as long as each is the next.
private final class PacketCounter: LinkDispatcher {
  private let count = Monitor(UInt64(0))

  func deliverPackets(_ packets: inout PacketBatch) {
    count.withLock { count in
      packets.forEach { bytes in
        let number = (0..<8).reduce(UInt64(0)) { $0 | UInt64(bytes[1 + $1]) << UInt64(8 * $1) }
        if number == count { count += 1 }
      }
    }
  }
  func linkDidClose(_ reason: LinkCloseReason) {}

  func wait(for number: UInt64) -> UInt64 {
    count.wait(deadline: deadline(after: .seconds(10))) { $0 >= number ? $0 : nil } ?? count.withLock { $0 }
  }
}
