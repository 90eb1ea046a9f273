import Foundation
import LinkSystem
import LinkTestSupport
import Testing

private func bench(_ arguments: String...) throws -> Peer.Outcome {
  // Two processes that spin beside everything else take their time.
  try Peer(arguments, executable: Peer.path(of: "linkbench")).wait(deadline: deadline(after: .seconds(600)))
}

/// What can go wrong in the tool that compares links with C. Its figures are nobody's to judge here.
@Suite struct `linkbench` {
  /// The cases of a run's report by name: how many packets each side moved.
  private func moved(_ outcome: Peer.Outcome) -> [String: (baseline: Int, ours: Int)] {
    let cases = outcome.json?["cases"] as? [[String: Any]] ?? []
    func packets(_ side: Any?) -> Int { ((side as? [String: Any])?["packets"] as? NSNumber)?.intValue ?? 0 }
    return Dictionary(
      uniqueKeysWithValues: cases.map {
        ($0["name"] as? String ?? "", (packets($0["baseline"]), packets($0["ours"])))
      })
  }

  @Test(arguments: ["receive/seqpacket/recvmmsg/64", "receive/datagram/readv/1500", "send/seqpacket/32/64"])
  func `moves the same on both sides of a case`(name: String) throws {
    let outcome = try bench("--quick", "--json", "--case", name)
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    let (baseline, ours) = try #require(moved(outcome)[name])
    #expect(baseline > 0)
    #expect(baseline == ours)
  }

  // Processes that spin take each other's processors, in a build that is slow anyway: one after the other, and short.
  @Test(
    .serialized,
    arguments: [
      "shm/plain/client-to-server/32/64", "shm/tuned/server-to-client/1/9000", "shm/tuned/client-to-server/32/65000",
      "shm/plain/server-to-client/32/65000", "round-trip/sleep/64", "round-trip/paced/64",
      "bridge/9000",
    ])
  func `moves as many packets through shared memory in C as in the link`(name: String) throws {
    let outcome = try bench("--pairs", "2", "--packets", "256", "--json", "--case", name)
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    let (baseline, ours) = try #require(moved(outcome)[name])
    #expect(baseline > 0)
    #expect(baseline == ours)
  }

  @Test(
    .enabled(if: geteuid() == 0),
    arguments: ["packet/ring-v2/64", "packet/ring-v3/1500", "receive/tun", "packet/32/64"])
  func `moves packets over devices that it makes`(name: String) throws {
    let outcome = try bench("--quick", "--json", "--case", name)
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    let cases = moved(outcome)
    #expect(!cases.isEmpty)
    for (name, (baseline, ours)) in cases { #expect(baseline > 0 && ours > 0, "\(name)") }
  }

  @Test func `measures what a silent link costs, and says whether that is enough`() throws {
    let outcome = try bench("--quick", "--json", "--case", "idle/")
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    let idle = try #require(outcome.json?["idle"] as? [[String: Any]])
    #expect(idle.count == 2)
    for link in idle {
      let percent = try #require((link["cpuPercent"] as? NSNumber)?.doubleValue)
      #expect(percent > 0 && link["met"] as? Bool == (percent < 0.1))
    }
  }

  @Test func `prints a line for each case`() throws {
    let outcome = try bench("--quick", "--case", "send/datagram/1/")
    #expect(outcome.output.split(separator: "\n").filter { $0.hasPrefix("| send/datagram/1/") }.count == 2)
  }

  @Test func `refuses names that fit no case`() throws {
    let outcome = try bench("--case", "nonsense")
    #expect(outcome.ending == .exited(2))
    #expect(outcome.messageLines.count == 1 && outcome.messages.contains("nonsense"))
  }
}
