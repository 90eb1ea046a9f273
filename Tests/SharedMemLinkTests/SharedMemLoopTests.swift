import Eventfd
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// Links of shared memory, driven by one thread.
struct SharedMemLoopTests {
  private func link(
    _ role: SharedMemEndpoint.Role, _ queues: consuming QueuePair, peer: Int32? = nil
  ) throws -> SharedMemEndpoint {
    var options = LinkOptions()
    options.drive = .caller
    return try SharedMemEndpoint(role, queues: queues, peer: peer, options: options)
  }

  @Test func `a loop whose other links are always busy learns that a peer is gone`() throws {
    let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
    let quiet = try link(.client, try QueuePair.make(QueueGeometry()), peer: sockets[0])
    let inbox = Inbox()
    try quiet.attach(inbox)
    let queues = try QueuePair.make(QueueGeometry())
    let players = [try link(.client, try queues.duplicate()), try link(.server, queues)]
    for player in players { try player.attach(Returner(player)) }
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 100, capacity: 1))
    batch.append { packet in packet.append(20) { $0[0] = 0x45 } }
    try players[0].writeBatch(batch)

    let thread = try SystemThread(name: "test-loop") {
      do { try LinkLoop([quiet] + players).run() } catch { fatalError("\(error)") }
    }
    _ = OwnedDescriptor(owning: sockets[1])
    #expect(inbox.waitForClose() == .peerDisconnected)
    for link in [quiet] + players { link.close() }
    thread.join()
  }
}

/// Sends back what its link delivers.
private final class Returner: LinkDispatcher {
  private let link: SharedMemEndpoint
  init(_ link: SharedMemEndpoint) { self.link = link }

  func deliverPackets(_ packets: inout PacketBatch) { do { try link.writeBatch(packets) } catch {} }
}
