import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// Runs `shmpeer hostile` with these words, on a victim that the shell starts by `script`, or on the tool's own.
private func hostile(_ words: [String], victim script: String? = nil) throws -> Peer.Outcome {
  let victim = script.map { ["--", "sh", "-c", "\($0)"] } ?? []
  return try Peer(["hostile"] + words + ["--seed", "7", "--json"] + victim).wait()
}

/// An honest end of a link, for scripts.
private let honest =
  "\(Peer.path) attach --role {role} --tx-fds {tx-fds} --rx-fds {rx-fds} --peer-fd {peer-fd} --sink >&2"

private func verdict(_ outcome: Peer.Outcome, _ name: String) -> (outcome: String, detail: String) {
  let verdicts = outcome.json?["verdicts"] as? [String: [String: Any]]
  let one = verdicts?[name]
  return (one?["outcome"] as? String ?? "none", one?["detail"] as? String ?? "")
}

@Suite struct `shmpeer hostile` {
  @Test(arguments: ["client", "server"]) func `finds nothing in an honest victim`(role: String) throws {
    for name in ["offset-beyond", "slot-zero", "event-storm", "file-unsealed"] {
      let outcome = try hostile([name, "--role", role, "--seconds", "0.1"])
      #expect(outcome.ending == .exited(0), "\(outcome.messages)")
      #expect(outcome.number("fell") == 0)
      #expect(outcome.number("attacks") == 1)
    }
  }

  @Test func `takes a victim of somebody else's`() throws {
    let outcome = try hostile(["size-max", "--role", "server"], victim: "exec \(honest)")
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    #expect(verdict(outcome, "size-max/server").outcome == "goes on")
  }

  @Test(arguments: [
    ("kill -SEGV $$", "signal 11"), ("exit 7", "exit code 7"),
    // It survives the attack, and dies of the end.
    ("\(honest); kill -ABRT $$", "signal 6"),
  ])
  func `sees that a victim dies`(script: String, word: String) throws {
    let outcome = try hostile(["peer-closed", "--role", "client"], victim: script)
    #expect(outcome.ending == .exited(1))
    #expect(verdict(outcome, "peer-closed/client").outcome == "fell")
    #expect(verdict(outcome, "peer-closed/client").detail.contains(word), "\(outcome.output)")
  }

  @Test func `sees that a victim does not end`() throws {
    let script = "trap '' TERM; \(honest) & while kill -0 $PPID; do wait; done 2>/dev/null"
    let outcome = try hostile(["peer-closed", "--role", "client"], victim: script)
    #expect(outcome.ending == .exited(1))
    #expect(verdict(outcome, "peer-closed/client").detail.contains("did not end"), "\(outcome.output)")
  }

  @Test func `sees that a victim is busy with nothing to do`() throws {
    let script = "\(honest) & while kill -0 $PPID; do :; done 2>/dev/null"
    let outcome = try hostile(["size-zero", "--role", "server"], victim: script)
    #expect(outcome.ending == .exited(1))
    #expect(verdict(outcome, "size-zero/server").detail.contains("busy"), "\(outcome.output)")
  }

  @Test func `sees that a victim eats memory`() throws {
    let script = "\(honest) & x=$(head -c 200000000 /dev/zero | tr '\\0' x); wait"
    let outcome = try hostile(["event-storm", "--role", "server", "--seconds", "3"], victim: script)
    #expect(outcome.ending == .exited(1))
    #expect(verdict(outcome, "event-storm/server").detail.contains("grew"), "\(outcome.output)")
  }

  @Test(arguments: [
    [], ["no-such-attack"], ["all", "--role", "both"], ["all", "--"], ["completion-twice", "--role", "server"],
  ])
  func `refuses a command line without sense`(words: [String]) throws {
    let outcome = try Peer(["hostile"] + words).wait()
    #expect(outcome.ending == .exited(2))
    #expect(outcome.messageLines.count == 1)
  }

  @Test func `lists its attacks`() throws {
    let outcome = try Peer.run("hostile", "list")
    #expect(outcome.ending == .exited(0))
    #expect(outcome.output.split(separator: "\n").count > 80)
  }
}
