import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport
import Testing

@Suite(.needsGvisor) struct `linkbench beside gVisor` {
  @Test(arguments: ["client-to-server", "server-to-client"])
  func `moves as many packets between gVisor's ends as between ours`(way: String) throws {
    // It uses what is built, and builds nothing.
    _ = try GvisorPeer.path()
    let outcome = try Peer(
      ["--pairs", "1", "--packets", "32", "--json", "--case", "gvisor/\(way)/9000"],
      executable: Peer.path(of: "linkbench")
    ).wait()
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    let race = try #require((outcome.json?["cases"] as? [[String: Any]])?.first)
    for side in ["baseline", "ours"] {
      let packets = try #require((race[side] as? [String: Any])?["packets"] as? NSNumber)
      #expect(packets.intValue == 160)
    }
    #expect(race["target"] as? Double == 2)
  }
}
