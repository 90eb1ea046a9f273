import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// A server and a client in processes of their own.
struct ServedPair {
  let server: Peer
  let client: Peer

  init(server serverAction: [String], client clientAction: [String], path: String = socketPath()) throws {
    server = try Peer(["serve", "--socket", path, "--json"] + serverAction)
    let server = server
    #expect(try eventually { server.messagesSoFar.contains("serving at") })
    client = try Peer(["connect", "--socket", path, "--json"] + clientAction)
  }
}

/// More than any test waits for, with a line of counters every now and then.
let endlessSource = ["--source", "1000000000", "--check", "none", "--timeout", "60", "--stats", "0.05"]

extension Peer {
  /// It has printed counters: traffic flows.
  var isTransferring: Bool { messagesSoFar.contains("sent") }
}

@Suite struct `Two processes` {
  @Test(arguments: [64, 1500, 9000, 65000])
  func `lose nothing in the demo`(size: Int) throws {
    let outcome = try Peer.run("demo", "--duration", "0.2", "--size", "\(size)", "--json")
    #expect(outcome.ending == .exited(0), "\(outcome)")
    let json = try #require(outcome.json)
    for direction in ["client_to_server", "server_to_client"] {
      let counts = try #require(json[direction] as? [String: Any])
      for key in ["lost", "corrupt", "reordered"] { #expect((counts[key] as? NSNumber)?.intValue == 0) }
      #expect(((counts["received"] as? NSNumber)?.intValue ?? 0) > 0)
      #expect(counts["packets_per_second"] is NSNumber && counts["gbit_per_second"] is NSNumber)
    }
    let latency = try #require(json["latency"] as? [String: Any])
    #expect((latency["rtt_us"] as? [String: Any])?.keys.sorted() == ["p50", "p99", "p99_9"])
  }

  @Test(arguments: [[], ["--ethernet", "02:00:00:00:00:01"]], [64, 2048, 2049, 9000])
  func `carry test packets from a source to a sink either way`(framing: [String], size: Int) throws {
    let count = 5000
    let source = ["--source", "\(count)", "--size", "\(size)"] + framing
    let sink = ["--sink", "\(count)", "--size", "\(size)"] + framing
    for (server, client) in [(source, sink), (sink, source)] {
      let pair = try ServedPair(server: server, client: client)
      let outcomes = [pair.server.wait(), pair.client.wait()]
      let received = server == sink ? outcomes[0] : outcomes[1]
      for outcome in outcomes { #expect(outcome.ending == .exited(0), "\(outcome)") }
      #expect(received.number("received") == count)
      for key in ["lost", "corrupt", "reordered", "duplicated"] { #expect(received.number(key) == 0) }
    }
  }

  @Test func `carry test packets behind virtio-net headers, which the server alone asks for`() throws {
    let pair = try ServedPair(
      server: ["--source", "500", "--size", "2049", "--virtio-net-header"], client: ["--sink", "500"])
    let outcomes = [pair.server.wait(), pair.client.wait()]
    for outcome in outcomes { #expect(outcome.ending == .exited(0), "\(outcome)") }
    #expect(outcomes[1].number("received") == 500)
    let mismatch = try ServedPair(server: ["--echo"], client: ["--ping", "1", "--virtio-net-header"])
    // A server whose client refused the link waits for the next one.
    defer {
      mismatch.server.signal(SIGTERM)
      _ = mismatch.server.wait()
    }
    #expect(mismatch.client.wait().ending == .exited(2))
  }

  @Test func `answer pings`() throws {
    let pair = try ServedPair(server: ["--echo"], client: ["--ping", "200"])
    let client = pair.client.wait()
    #expect(client.ending == .exited(0), "\(client)")
    #expect((client.json?["rtt_us"] as? [String: Any])?["p50"] is NSNumber)
    let server = pair.server.wait()
    #expect(server.ending == .exited(0), "\(server)")
    #expect(server.text("close_reason") == "peer-disconnected")
  }

  @Test func `work over a socket pair that both inherit`() throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    let sink = try Peer(["fd", "--fd", "10", "--sink", "3000", "--json"], descriptors: [(sockets.first.number, 10)])
    let source = try Peer(
      ["fd", "--fd", "10", "--source", "3000", "--json"], descriptors: [(sockets.second.number, 10)])
    #expect(source.wait().ending == .exited(0))
    let outcome = sink.wait()
    #expect(outcome.ending == .exited(0), "\(outcome)")
    #expect(outcome.number("received") == 3000)
    withExtendedLifetime(sockets) {}
  }

  @Test(arguments: [SIGINT, SIGTERM])
  func `end in order on a signal, with their JSON`(signal: Int32) throws {
    let path = socketPath()
    let pair = try ServedPair(server: ["--sink"], client: endlessSource, path: path)
    #expect(try eventually { pair.client.isTransferring })
    pair.server.signal(signal)
    let server = pair.server.wait()
    #expect([.exited(0), .exited(1)].contains(server.ending), "\(server)")
    #expect(server.text("close_reason") == "requested", "\(server)")
    let client = pair.client.wait()
    #expect(client.ending == .exited(1), "\(client)")
    #expect(client.text("close_reason") == "peer-disconnected", "\(client)")
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}
