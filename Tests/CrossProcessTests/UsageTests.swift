import LinkSystem
import SharedMemLink
import LinkTestSupport
import Testing

/// What a user can do wrong, and how the tool says so.
@Suite struct `Wrong use` {
  private func check(_ arguments: [String], exit code: Int, mentions word: String) throws {
    let outcome = try Peer(arguments).wait()
    #expect(outcome.ending == .exited(code), "\(arguments): \(outcome.messages)")
    #expect(outcome.messageLines.count == 1, "\(arguments): \(outcome.messages)")
    #expect(outcome.messages.contains(word), "\(arguments): \(outcome.messages)")
  }

  @Test(arguments: [
    (["frobnicate"], "frobnicate"),
    (["demo", "--frobnicate"], "--frobnicate"),
    (["demo", "--size"], "--size"),
    (["demo", "--size", "many"], "many"),
    (["demo", "--size", "31"], "--size"),
    (["demo", "--batch", "0"], "--batch"),
    (["demo", "--check", "md5"], "md5"),
    (["demo", "--duration", "-1"], "--duration"),
    (["serve", "--sink"], "--socket"),
    (["connect", "--socket", "/tmp/x"], "action"),
    (["connect", "--socket", "/tmp/x", "--sink", "--echo"], "action"),
    (["connect", "--socket", "/tmp/x", "--sink", "--mtu", "0"], "--mtu"),
    (["connect", "--socket", "/tmp/x", "--sink", "--mtu", "65537"], "--mtu"),
    (["connect", "--socket", "/tmp/x", "--sink", "--buffer-size", "0"], "--buffer-size"),
    (["connect", "--socket", "/tmp/x", "--sink", "--buffer-size", "65537"], "--buffer-size"),
    (["connect", "--socket", "/tmp/x", "--sink", "--ethernet", "nonsense"], "nonsense"),
    (["attach", "--role", "boss", "--tx-fds", "3,4,5,6,7", "--rx-fds", "8,9,10,11,12", "--sink"], "boss"),
    (["attach", "--role", "client", "--tx-fds", "3,4,5,6", "--rx-fds", "8,9,10,11,12", "--sink"], "--tx-fds"),
    (["attach", "--role", "client", "--rx-fds", "8,9,10,11,12", "--sink"], "--tx-fds"),
    (["fd", "--sink"], "--fd"),
    (["fd", "--fd", "x", "--sink"], "--fd"),
    (["fd", "--tun", "x", "--dispatch", "pigeon", "--sink"], "pigeon"),
    (["fd", "--tun", "x", "--packet", "lo", "--sink"], "--packet"),
    (["fd", "--packet", "a-name-that-is-too-long", "--sink"], "--packet"),
    (["fd", "--fd", "10", "--fd", "10", "--sink"], "10"),
    (["fd", "--fd", "10", "--queues", "2", "--sink"], "--queues"),
    (["fd", "--tun", "x", "--queues", "0", "--sink"], "--queues"),
    (["fd", "--tun", "x", "--fanout", "hash", "--sink"], "--fanout"),
    (["fd", "--packet", "x", "--fanout", "hash", "--sink"], "--fanout"),
    (["fd", "--packet", "x", "--queues", "2", "--fanout", "pigeon", "--sink"], "pigeon"),
    (["fd", "--fd", "10", "--sink", "--threads", "1"], "--threads"),
    (["fd", "--fd", "10", "--bridge-tun", "x", "--threads", "3"], "--threads"),
    (["fd", "--fd", "10", "--fd", "11", "--bridge-tun", "x", "--threads", "1"], "--threads"),
    (["fd", "--packet", "x", "--queues", "2", "--bridge-packet", "y", "--threads", "1"], "--threads"),
  ])
  func `is one line and exit code 2`(arguments: [String], word: String) throws {
    try check(arguments, exit: 2, mentions: word)
  }

  @Test func `of files that are not there is one line and exit code 3`() throws {
    try check(["connect", "--socket", "/nonexistent/socket", "--sink"], exit: 3, mentions: "/nonexistent/socket")
    try check(["serve", "--socket", "/nonexistent/socket", "--sink"], exit: 3, mentions: "/nonexistent/socket")
    try check(["fd", "--fd", "987", "--sink"], exit: 3, mentions: "987")
  }

  @Test func `of inherited descriptors is one line, and never a trap`() throws {
    let queues = try QueuePair.make()
    let numbers = queues.descriptors
    let tiny = try OwnedDescriptor.sealedMemory(name: "tiny", byteCount: 8)
    let unsealed = try OwnedDescriptor.unsealedMemory(byteCount: 1 << 20)
    let pipe = try UnixSocket.pair(.stream)
    let there = (0..<10).map { CInt(10 + $0) }
    func attach(_ here: [CInt], role: String = "client") throws -> Peer.Outcome {
      let list = { (part: ArraySlice<CInt>) in part.map(String.init).joined(separator: ",") }
      return try Peer(
        ["attach", "--role", role, "--tx-fds", list(there[..<5]), "--rx-fds", list(there[5...]), "--sink"],
        descriptors: zip(here, there).filter { $0.0 >= 0 }.map { (here: $0.0, there: $0.1) }
      ).wait()
    }
    for role in ["client", "server"] {
      for index in 0..<10 {
        for wrong in [-1, tiny.number, unsealed.number, pipe.first.number, numbers[(index + 1) % 5]] {
          var list = numbers
          list[index] = wrong
          let outcome = try attach(list, role: role)
          #expect([.exited(3), .exited(4)].contains(outcome.ending), "\(index) \(wrong): \(outcome)")
          #expect(outcome.messageLines.count == 1, "\(index) \(wrong): \(outcome.messages)")
        }
      }
    }
    withExtendedLifetime(queues) {}
    withExtendedLifetime(pipe) {}
  }

  @Test(arguments: ["demo", "serve", "connect", "attach", "fd"])
  func `is prevented by a help with an example`(command: String) throws {
    let outcome = try Peer.run(command, "--help")
    #expect(outcome.ending == .exited(0))
    #expect(outcome.output.contains("shmpeer \(command)"))
  }
}
