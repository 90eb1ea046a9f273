import CBaselines
import Foundation
import LinkCore
import SharedMemLink

/// What packets cost besides time, which is the same on every machine: counted over both ends of a link in shared memory, in
/// one process and by one thread, after everything was used once.
struct Costs: Codable, Equatable {
  /// Direction, packets in a write, bytes, and what the receiver does meanwhile.
  var name: String
  var packets: Int
  /// Calls of `malloc` and the like, by both ends together; nil where they cannot be counted.
  var allocationsPerPacket: Double?
  /// Writes to the eventfd for each write of packets: system calls of the data path, as sleeps are.
  var notificationsPerBatch: Double
  var sleepsPerBatch: Double

  static func all() throws -> [Costs] {
    try [SharedMemEndpoint.Role.client, .server].flatMap { sender in
      try [1, 32].flatMap { batch in
        try [64, 9000].flatMap { byteCount in
          try [false, true].map { try measure(sender, batch: batch, byteCount: byteCount, sleeps: $0) }
        }
      }
    }
  }

  /// `sleeps`: the receiver arms its bell before each batch, as when it sleeps in between.
  private static func measure(
    _ sender: SharedMemEndpoint.Role, batch: Int, byteCount: Int, sleeps: Bool
  ) throws -> Costs {
    var options = LinkOptions(mtu: max(1500, byteCount))
    options.drive = .caller
    let queues = try QueuePair.make()
    let far = try SharedMemEndpoint(sender, queues: try queues.duplicate(), options: options)
    let near = try SharedMemEndpoint(sender == .client ? .server : .client, queues: queues, options: options)
    let source = try LinkUnderTest(far, spins: true)
    let sink = try LinkUnderTest(near, spins: true)
    let packets = PacketRow(try source.makeBatch(batch, byteCount: byteCount))

    func round(_ batches: Int) throws {
      for _ in 0..<batches {
        if sleeps { sink.arm() }
        _ = try source.send(batch, packets.batch, byteCount: byteCount)
        _ = try sink.receive(batch)
      }
    }
    // A batch of large packets may not be longer than the queue.
    try round(200)
    let (sent, received, allocations) = (far.statistics.sent, near.statistics.received, cb_allocations())
    try round(1000)
    let count = cb_allocations() - allocations
    let batches = Double(far.statistics.sent.batches - sent.batches)
    let moved = Int(near.statistics.received.packets - received.packets)
    let costs = Costs(
      name: "\(sender == .client ? "client-to-server" : "server-to-client")/\(batch)/\(byteCount)"
        + (sleeps ? "/asleep" : "/awake"),
      packets: moved, allocationsPerPacket: allocations < 0 ? nil : Double(count) / Double(moved),
      notificationsPerBatch: Double(far.statistics.sent[.notification] - sent[.notification]) / batches,
      sleepsPerBatch: Double(near.statistics.received[.sleep] - received[.sleep]) / batches)
    source.close()
    sink.close()
    return costs
  }
}

extension [Costs] {
  func report(isJSON: Bool) throws -> String {
    if isJSON {
      let encoder = JSONEncoder()
      encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
      return String(decoding: try encoder.encode(["costs": self]), as: UTF8.self)
    }
    let rows = map { cost in
      let allocations = cost.allocationsPerPacket.map { "\($0)" } ?? "not counted"
      return "| \(cost.name) | \(allocations) | \(cost.notificationsPerBatch) | \(cost.sleepsPerBatch) |"
    }
    return
      ([
        "| link in shared memory | allocations a packet | notifications a batch | sleeps a batch |",
        "| --- | ---: | ---: | ---: |",
      ] + rows).joined(separator: "\n")
  }
}
