import CBaselines
import LinkCore
import LinkSystem
import SharedMemLink

extension CostCase {
  /// Both ends in one process: driven by one thread, or each with a thread of its own.
  static var sharedMemory: [CostCase] {
    [SharedMemEndpoint.Role.client, .server].flatMap { sender in
      [1, 32].flatMap { batch in
        [64, 9000].flatMap { byteCount in
          [false, true].map { driven(sender, batch: batch, byteCount: byteCount, sleeps: $0) }
            + [threaded(sender, batch: batch, byteCount: byteCount)]
        }
      }
    }
  }

  private static func name(_ sender: SharedMemEndpoint.Role, _ batch: Int, _ byteCount: Int, _ how: String) -> String {
    "\(sender == .client ? "client-to-server" : "server-to-client")/\(batch)/\(byteCount)/\(how)"
  }

  private static func pair(
    _ sender: SharedMemEndpoint.Role, byteCount: Int, _ drive: LinkOptions.Drive
  ) throws -> (far: SharedMemEndpoint, near: SharedMemEndpoint) {
    var options = LinkOptions(mtu: max(1500, byteCount))
    options.drive = drive
    let queues = try QueuePair.make()
    let far = try SharedMemEndpoint(sender, queues: try queues.duplicate(), options: options)
    return (far, try SharedMemEndpoint(sender == .client ? .server : .client, queues: queues, options: options))
  }

  /// `sleeps`: the receiver arms its bell before each batch and waits for it, as when it sleeps in between.
  private static func driven(
    _ sender: SharedMemEndpoint.Role, batch: Int, byteCount: Int, sleeps: Bool
  ) -> CostCase {
    CostCase(name: name(sender, batch, byteCount, sleeps ? "asleep" : "awake")) {
      let (far, near) = try pair(sender, byteCount: byteCount, .caller)
      let source = try LinkUnderTest(far, spins: true)
      let sink = try LinkUnderTest(near, spins: true)
      let packets = PacketRow(try source.makeBatch(batch, byteCount: byteCount))
      return CostScene(
        rounds: 1000,
        round: { mark in
          mark(cb_receiving)
          if sleeps { sink.arm() }
          mark(cb_sending)
          // A batch of large packets may not be longer than the queue.
          _ = try source.send(batch, packets.batch, byteCount: byteCount)
          mark(cb_receiving)
          if sleeps { _ = try sink.sleep() }
          let moved = try sink.receive(batch)
          mark(cb_uncounted)
          return moved.packets
        },
        tally: { tally(far, near) },
        close: {
          source.close()
          sink.close()
        })
    }
  }

  private static func threaded(_ sender: SharedMemEndpoint.Role, batch: Int, byteCount: Int) -> CostCase {
    CostCase(name: name(sender, batch, byteCount, "threads")) {
      let (far, near) = try pair(sender, byteCount: byteCount, .thread)
      let source = try ThreadedLink(far)
      let sink = try ThreadedLink(near)
      let packets = PacketRow(try source.makeBatch(batch, byteCount: byteCount))
      return CostScene(
        rounds: 1000, isOneThread: false,
        round: { _ in
          try sink.receiving(batch) { try source.send(batch, packets.batch) }
          return batch
        },
        tally: { tally(far, near) },
        close: {
          source.close()
          sink.close()
        })
    }
  }

  private static func tally(_ far: any LinkEndpoint, _ near: any LinkEndpoint) -> CostScene.Tally {
    let (sent, received) = (far.statistics.sent, near.statistics.received)
    return CostScene.Tally(
      batches: Int(sent.batches), notifications: Int(sent[.notification]), sleeps: Int(received[.sleep]))
  }
}
