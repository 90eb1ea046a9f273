import Foundation
import InteropSupport
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// `kill -9` of a gVisor guest in the middle of a transfer.
@Suite(.needsGvisor) struct `A gVisor guest that is killed` {
  @Test func `is reported within a second a hundred times, and leaves nothing in the host's process`() async throws {
    // Here, and not by the process that is watched.
    _ = try GvisorPeer.path()
    await #expect(processExitsWith: .success) { try outlivesGuests(100) }
  }
}

/// How long the news of a death may take.
let newsTime: Duration = .seconds(isThreadSanitized ? 10 : 1)

private func outlivesGuests(_ count: Int) throws {
  // What the first use of anything allocates for good is not a leak.
  let warmUp = 10
  for _ in 0..<warmUp { try outliveGuest() }
  let before = try ResourceSnapshot.baseline()
  let residentBefore = try ResourceSnapshot.residentKiB().all
  var longest: UInt64 = 0
  for _ in warmUp..<count { longest = try max(longest, outliveGuest()) }
  var left: [String] = []
  _ = try eventually {
    left = try ResourceSnapshot().excess(over: before)
    return left.isEmpty
  }
  let now = try ResourceSnapshot()
  let grown = try ResourceSnapshot.residentKiB().all - residentBefore
  print(
    "\(count) guests, news after \(longest / 1000) us at most; \(now), \(now.mappingCount) mappings, \(grown) KiB more")
  // Of an expectation in a process of its own nothing is told but this.
  try #require(left.isEmpty, "left behind: \(left)")
  try #require(
    now.mappingCount <= before.mappingCount + 32, "\(before.mappingCount) mappings, then \(now.mappingCount)")
  try #require(isThreadSanitized || grown <= Soak.tolerance, "grown by \(grown) KiB")
}

/// Lets a new guest echo datagrams, and kills it; returns how long after that its death was reported, in nanoseconds.
@discardableResult private func outliveGuest() throws -> UInt64 {
  let queues = try QueuePair.make()
  let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
  let guestsEnd = OwnedDescriptor(owning: sockets[1])
  let guest = try Guest(
    queues: queues.descriptors, peer: guestsEnd.number, ["--addresses", "10.0.0.2/24", "--port", "80"])
  // Only the guest holds its end now.
  _ = consume guestsEnd
  let link = try SharedMemEndpoint(.server, queues: queues, peer: sockets[0])
  let news = News()
  try link.attach(news)
  var datagram = InternetPacket()
  datagram.isTCP = false
  datagram.payload = [UInt8](repeating: 7, count: 1000)
  let frame = datagram.completeFrame
  var batch = PacketBatch(capacity: 32, pool: PacketPool(frameByteCount: 1500, capacity: 32))
  while batch.append({ $0.append(frame.count) { bytes in for index in frame.indices { bytes[index] = frame[index] } } })
  {}
  let end = deadline()
  // Until its server is there, the guest says that it is not.
  while news.echoCount < 500 {
    try #require(
      monotonicNanoseconds() < end && link.isAttached,
      "\(news.echoCount) datagrams came back; the guest: \(guest.process.wait(deadline: end))")
    _ = try? link.writeBatch(batch)
  }
  guest.process.signal(SIGKILL)
  let killed = monotonicNanoseconds()
  let lastMoment = deadline(after: newsTime)
  // The transfer goes on.
  while link.isAttached, monotonicNanoseconds() < lastMoment { _ = try? link.writeBatch(batch) }
  let closed = try #require(news.closed(deadline: lastMoment), "no news of the guest's death within \(newsTime)")
  try #require(closed.reason == .peerDisconnected, "closed for another reason: \(closed.reason)")
  try link.wait()
  let outcome = guest.process.wait()
  try #require(outcome.ending == .killed(signal: Int(SIGKILL)), "the guest died of another cause: \(outcome)")
  return closed.moment - min(killed, closed.moment)
}

private final class News: LinkDispatcher {
  typealias End = (reason: LinkCloseReason, moment: UInt64)
  private let record = Monitor((echoCount: 0, end: End?.none))
  var echoCount: Int { record.withLock { $0.echoCount } }
  func closed(deadline: UInt64) -> End? { record.wait(deadline: deadline) { $0.end } }

  func deliverPackets(_ packets: inout PacketBatch) {
    var count = 0
    // A datagram of ours that came back, not news from ICMP.
    packets.forEach { bytes in if bytes.count == 1028 && bytes[9] == 17 { count += 1 } }
    record.withLock { $0.echoCount += count }
  }
  func linkDidClose(_ reason: LinkCloseReason) {
    record.withLock { $0.end = (reason, monotonicNanoseconds()) }
  }
}
