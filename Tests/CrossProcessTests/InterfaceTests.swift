import Foundation
import LinkSystem
import LinkTestSupport
import Testing

private let isPrivileged = geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/net/tun")

/// The tool over several descriptors, and over interfaces.
@Suite struct `The tool joins` {
  @Test func `several descriptors to one link`() throws {
    let pairs = try (0..<2).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
    // The children have their own.
    let ends = pairs.map { [OwnedDescriptor.Box($0[0]), OwnedDescriptor.Box($0[1])] }
    func peer(_ end: Int, _ action: String...) throws -> Peer {
      try Peer(
        ["fd", "--fd", "10", "--fd", "11", "--json", "--describe"] + action,
        descriptors: [(pairs[0][end], 10), (pairs[1][end], 11)])
    }
    let sink = try peer(0, "--sink", "3000")
    let source = try peer(1, "--source", "3000").wait()
    #expect(source.ending == .exited(0), "\(source)")
    let outcome = sink.wait()
    #expect(outcome.ending == .exited(0) && outcome.number("received") == 3000, "\(outcome)")
    let link = try #require(outcome.json?["link"] as? [String: Any])
    let descriptors = try #require(link["descriptors"] as? [[String: Any]])
    #expect(descriptors.compactMap { ($0["number"] as? NSNumber)?.intValue } == [10, 11])
    #expect(descriptors.allSatisfy { $0["dispatch"] as? String == "recvmmsg" && $0["receive_buffer_bytes"] != nil })
    #expect(outcome.messages.contains("descriptor 11, by recvmmsg"))
    withExtendedLifetime(ends) {}
  }

  private static let own = "02:00:00:00:00:01"
  private static let other = "02:00:00:00:00:02"

  /// Starts a peer on the interface `right`, and waits until it is bound to it.
  private static func bound(_ arguments: String...) throws -> Peer {
    let peer = try Peer(
      ["fd", "--packet", "right", "--ethernet", other, "--describe", "--json", "--timeout", "40"] + arguments)
    if try !eventually({ peer.messagesSoFar.contains("descriptor") }) {
      peer.signal(SIGKILL)
      throw SystemError(peer.messagesSoFar, SystemError.timedOut)
    }
    return peer
  }

  @Test(.enabled(if: isPrivileged, "needs root and /dev/net/tun"))
  func `two processes over an interface`() throws {
    let (sink, source, echo, ping) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let sink = try Self.bound("--sink", "1500", "--queues", "2", "--dispatch", "packet-ring")
      let left = ["fd", "--packet", "left", "--ethernet", Self.own, "--peer-ethernet", Self.other, "--json"]
      let source = try Peer(left + ["--source", "1500", "--timeout", "30"]).wait()
      let sunk = sink.wait()
      let echo = try Self.bound("--echo", "--queues", "3", "--fanout", "load-balance")
      let ping = try Peer(left + ["--ping", "100", "--timeout", "30"]).wait()
      echo.signal(SIGTERM)
      return (sunk, source, echo.wait(), ping)
    }
    for outcome in [sink, source, echo, ping] { #expect(outcome.ending == .exited(0), "\(outcome)") }
    #expect(sink.number("received") == 1500 && source.number("sent") == 1500)
    #expect((ping.json?["rtt_us"] as? [String: Any])?["p50"] is NSNumber && echo.number("received") == 100)
    let link = try #require(sink.json?["link"] as? [String: Any])
    let descriptors = try #require(link["descriptors"] as? [[String: Any]])
    #expect(descriptors.count == 2 && descriptors.allSatisfy { $0["dispatch"] as? String == "packet-ring" })
    #expect(descriptors.allSatisfy { ($0["ring_blocks"] as? NSNumber)?.intValue == 32 })
  }

  @Test(.enabled(if: isPrivileged, "needs root and /dev/net/tun"))
  func `a link in shared memory to an interface`() throws {
    let (server, client, echo) = try TestNetwork.inNamespace {
      try TestNetwork.makeInterfaces()
      let echo = try Self.bound("--echo")
      let path = socketPath()
      let server = try Peer([
        "serve", "--socket", path, "--ethernet", Self.own, "--bridge-packet", "left", "--describe", "--json",
        "--timeout", "40",
      ])
      if try !eventually({ server.messagesSoFar.contains("serving at") }) { server.signal(SIGTERM) }
      let client = try Peer([
        "connect", "--socket", path, "--ethernet", "02:00:00:00:00:03", "--peer-ethernet", Self.other, "--ping", "200",
        "--json", "--timeout", "30",
      ]).wait()
      let served = server.wait()
      echo.signal(SIGTERM)
      return (served, client, echo.wait())
    }
    for outcome in [server, client, echo] { #expect(outcome.ending == .exited(0), "\(outcome)") }
    #expect((client.json?["rtt_us"] as? [String: Any])?["p50"] is NSNumber)
    #expect(echo.number("received") == 200 && server.text("mode") == "bridge-packet")
    #expect(server.number("received") == 200 && server.number("sent") == 200)
    #expect(server.json?["device"] is [String: Any])
  }
}

extension OwnedDescriptor {
  /// For arrays.
  fileprivate final class Box: Sendable {
    private let file: OwnedDescriptor
    init(_ number: CInt) { file = OwnedDescriptor(owning: number) }
  }
}
