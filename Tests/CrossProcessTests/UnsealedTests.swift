import Foundation
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// `shmpeer` on files without seals, which this process can cut off.
@Suite struct `Unsealed files` {
  private func attach(_ queues: UnsealedQueues, _ role: String, _ socket: CInt, _ words: [String]) throws -> Peer {
    let list = { (part: Range<Int>) in part.map { String(10 + $0) }.joined(separator: ",") }
    return try Peer(
      ["attach", "--role", role, "--tx-fds", list(0..<5), "--rx-fds", list(5..<10), "--peer-fd", "20", "--json"]
        + words,
      descriptors: zip(queues.descriptors, 10...).map { (here: $0.0, there: CInt($0.1)) } + [(socket, 20)])
  }

  @Test func `are refused by default, and the message names the option`() throws {
    let queues = try UnsealedQueues()
    let sockets = try UnixSocket.pair(.seqpacket)
    let outcome = try attach(queues, "client", sockets.first.number, ["--sink"]).wait()
    #expect(outcome.ending == .exited(3), "\(outcome)")
    #expect(outcome.messageLines.count == 1 && outcome.messages.contains("--accept-unsealed"), "\(outcome)")
    withExtendedLifetime(sockets) {}
  }

  @Test func `carry packets when they are accepted`() throws {
    let (sink, source) = try pair(["--sink", "2000"], ["--source", "2000"])
    let outcomes = [sink.wait(), source.wait()]
    #expect(outcomes.allSatisfy { $0.ending == .exited(0) }, "\(outcomes)")
    #expect(outcomes[0].number("received") == 2000, "\(outcomes)")
  }

  @Test(arguments: UnsealedQueues.memory, [true, false])
  func `that are cut off in mid-transfer end the link with a reason, and no process`(
    index: Int, clientSends: Bool
  ) throws {
    let queues = try UnsealedQueues()
    let sink = ["--sink", "--stats", "0.05"]
    let (server, client) = try pair(clientSends ? sink : endlessSource, clientSends ? endlessSource : sink, queues)
    #expect(try eventually { server.isTransferring && client.isTransferring })
    queues.resize(index, to: 0)
    let isUsed = (index < 5) == clientSends
    // What they do not use they do not miss: the other queue carries nothing here.
    for peer in [server, client] { peer.signal(SIGTERM, unlessEndedBy: deadline(after: .seconds(isUsed ? 30 : 0))) }
    let outcomes = [server.wait(), client.wait()]
    for outcome in outcomes { #expect(outcome.hasExited, "\(index): \(outcome)") }
    if isUsed {
      #expect(outcomes.contains { $0.text("close_reason")?.contains("resized") == true }, "\(index): \(outcomes)")
      #expect(outcomes.contains { $0.ending == .exited(4) }, "\(index): \(outcomes)")
    }
  }

  private func pair(
    _ server: [String], _ client: [String], _ queues: UnsealedQueues? = nil
  ) throws -> (server: Peer, client: Peer) {
    let queues = try queues ?? UnsealedQueues()
    let sockets = try UnixSocket.pair(.seqpacket)
    let accept = ["--accept-unsealed"]
    return (
      try attach(queues, "server", sockets.first.number, server + accept),
      try attach(queues, "client", sockets.second.number, client + accept)
    )
  }
}
