import Eventfd
import LinkCore
import LinkSystem
import SharedMemLink
import Synchronization
import Testing

private final class Counter: LinkDispatcher {
  let packets = Atomic<Int>(0)
  let bytes = Atomic<Int>(0)
  let target: Int
  let reached = Latch()
  let closed = Latch()
  let reason = Lock<LinkCloseReason?>(nil)
  init(target: Int) { self.target = target }
  func deliverPackets(_ batch: inout PacketBatch) {
    var total = 0
    batch.forEach { total += $0.count }
    bytes.wrappingAdd(total, ordering: .relaxed)
    if packets.add(batch.count, ordering: .relaxed).newValue >= target { reached.open() }
  }
  func linkDidClose(_ why: LinkCloseReason) {
    reason.withLock { $0 = why }
    closed.open()
  }
}

@Test(arguments: [SharedMemEndpoint.Role.client, .server])
func `packets cross from either role`(from role: SharedMemEndpoint.Role) throws {
  let files = try QueuePair.make()
  let peers = try UnixSocket.pair(.seqpacket).takeBoth()
  var options = LinkOptions(mtu: 65536)
  options.spin = .zero
  let a = try SharedMemEndpoint(role, queues: try files.duplicate(), peer: peers[0], options: options)
  let b = try SharedMemEndpoint(role == .client ? .server : .client, queues: files, peer: peers[1], options: options)
  let count = 20000
  let sink = Counter(target: count)
  let other = Counter(target: 1)
  try a.attach(other)
  try b.attach(sink)
  let pool = PacketPool(frameByteCount: 2000, capacity: 32)
  var batch = PacketBatch(capacity: 32, pool: pool)
  var sent = 0
  while sent < count {
    batch.removeAll()
    while batch.count < 32, batch.append({ $0.append(1000) { $0[0] = 0x45 } }) {}
    var from = 0
    while from < batch.count {
      do { from += try a.writeBatch(batch, from: from) } catch {
        guard error.code == .wouldBlock else { throw error }
        spinPause()
      }
    }
    sent += batch.count
  }
  sink.reached.wait()
  print(a.statistics.sent, b.statistics.received)
  a.close()
  try a.wait()
  sink.closed.wait()
  #expect(sink.reason.withLock { $0 } == .peerDisconnected)
  #expect(other.reason.withLock { $0 } == .requested)
  try b.wait()
}
