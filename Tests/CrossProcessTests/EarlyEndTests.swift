import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// A run that is over before there is a link.
@Suite struct `Without a peer` {
  private func checkEarlyEnd(_ action: [String], _ outcome: Peer.Outcome) {
    let sends = action[0] == "--source" || action[0] == "--ping"
    #expect(outcome.ending == .exited(sends ? 1 : 0), "\(outcome)")
    #expect(outcome.text("close_reason") == "requested", "\(outcome)")
  }

  @Test(arguments: [["--echo"], ["--sink", "5"], ["--source", "5"], ["--ping", "5"]])
  func `a server that is asked to end says what it did`(action: [String]) throws {
    let path = socketPath()
    let server = try Peer(["serve", "--socket", path, "--json"] + action)
    #expect(try eventually { server.messagesSoFar.contains("serving at") })
    server.signal(SIGTERM)
    checkEarlyEnd(action, server.wait())
  }

  @Test(arguments: [["--echo"], ["--sink", "5"], ["--source", "5"], ["--ping", "5"]])
  func `a client that is asked to end in the hand-over says what it did`(action: [String]) throws {
    let path = socketPath()
    let listener = try UnixSocket.listen(path: path)
    defer { UnixSocket.removeFile(path) }
    let client = try Peer(["connect", "--socket", path, "--json"] + action)
    #expect(try eventually { try poll(listener.number, .input, nanoseconds: 0) == .input })
    client.signal(SIGTERM)
    checkEarlyEnd(action, client.wait())
  }

  @Test func `a server whose time is over says so`() throws {
    let outcome = try Peer.run("serve", "--socket", socketPath(), "--json", "--sink", "5", "--timeout", "0.1")
    #expect(outcome.ending == .exited(1), "\(outcome)")
    #expect(outcome.number("received") == 0, "\(outcome)")
  }
}
