import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// `kill -9` in the middle of a transfer.
@Suite struct `A peer that is killed` {
  @Test(arguments: [true, false], [true, false])
  func `is reported by the survivor within a second`(serverDies: Bool, serverSends: Bool) throws {
    let sink = ["--sink", "--stats", "0.05"]
    let path = socketPath()
    // A server that is killed leaves its socket's file.
    defer { UnixSocket.removeFile(path) }
    let pair = try ServedPair(
      server: serverSends ? endlessSource : sink, client: serverSends ? sink : endlessSource, path: path)
    let (victim, survivor) = serverDies ? (pair.server, pair.client) : (pair.client, pair.server)
    #expect(try eventually { pair.client.isTransferring && pair.server.isTransferring })
    victim.signal(SIGKILL)
    #expect(victim.wait().ending == .killed(signal: Int(SIGKILL)))
    let outcome = survivor.wait(deadline: deadline(after: .seconds(isThreadSanitized ? 10 : 1)))
    #expect(outcome.ending == .exited(1), "\(outcome)")
    #expect(outcome.text("close_reason") == "peer-disconnected", "\(outcome)")
  }

  @Test(arguments: [true, false], [true, false])
  func `leaves nothing in the survivor's process`(isClient: Bool, sends: Bool) async {
    await #expect(processExitsWith: .success) { [isClient, sends] in
      try survivesItsPeer(isClient ? .client : .server, sends: sends)
    }
  }
}

/// One link of this process to a `shmpeer` that is killed in mid-transfer, ten times; then nothing is left.
private func survivesItsPeer(_ role: SharedMemEndpoint.Role, sends: Bool) throws {
  // The first round warms up what the runtime keeps.
  try oneRound(role, sends: sends)
  let before = try ResourceSnapshot.baseline()
  for _ in 0..<10 { try oneRound(role, sends: sends) }
  var left: [String] = []
  _ = try eventually {
    left = try ResourceSnapshot().excess(over: before)
    return left.isEmpty
  }
  try #require(left.isEmpty, "left behind: \(left)")
}

private func oneRound(_ role: SharedMemEndpoint.Role, sends: Bool) throws {
  let queues = try QueuePair.make()
  let numbers = try UnixSocket.pair(.seqpacket).takeBoth()
  let theirs = OwnedDescriptor(owning: numbers[1])
  let list = { (part: Range<Int>) in part.map { String(10 + $0) }.joined(separator: ",") }
  let peer = try Peer(
    ["attach", "--role", role == .client ? "server" : "client", "--tx-fds", list(0..<5), "--rx-fds", list(5..<10)]
      + ["--peer-fd", "20"] + (sends ? ["--sink"] : endlessSource),
    descriptors: zip(queues.descriptors, 10...).map { (here: $0.0, there: CInt($0.1)) }
      + [(here: theirs.number, there: 20)])
  // Only the child holds its end now: its death is the end.
  _ = consume theirs
  let link = try SharedMemEndpoint(role, queues: queues, peer: numbers[0])
  let packets = Monitor((received: 0, reason: LinkCloseReason?.none))
  try link.attach(Watcher(packets))
  let pool = PacketPool(frameByteCount: 1500, capacity: 32)
  var batch = PacketBatch(capacity: 32, pool: pool)
  while sends, batch.append({ $0.append(1000) { $0[0] = 0x45 } }) {}
  var isKilled = false
  let end = deadline()
  while link.isAttached {
    try #require(monotonicNanoseconds() < end, "the link did not notice its peer's death")
    if sends { _ = try? link.writeBatch(batch) }
    if !isKilled, link.statistics.received.packets + link.statistics.sent.packets > 2000 {
      peer.signal(SIGKILL)
      isKilled = true
    }
    if !sends { spinPause() }
  }
  try link.wait()
  let reason = packets.withLock { $0.reason }
  try #require(reason == .peerDisconnected, "closed for another reason: \(String(describing: reason))")
  _ = peer.wait()
}

private final class Watcher: LinkDispatcher {
  private let record: Monitor<(received: Int, reason: LinkCloseReason?)>
  init(_ record: Monitor<(received: Int, reason: LinkCloseReason?)>) { self.record = record }
  func deliverPackets(_ packets: inout PacketBatch) {
    let count = packets.count
    record.withLock { $0.received += count }
  }
  func linkDidClose(_ reason: LinkCloseReason) { record.withLock { $0.reason = reason } }
}
