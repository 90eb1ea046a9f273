import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// What does not depend on the machine has a threshold: allocations, notifications, fences and system calls.
@Suite struct `The costs of a packet` {
  private struct Costs: Decodable {
    struct End: Decodable {
      var fencesPerBatch: Double
      var systemCallsPerPacket: Double
    }
    var name: String
    var packets: Int
    var allocationsPerPacket: Double?
    var notificationsPerBatch: Double
    var sleepsPerBatch: Double
    var sending: End?
    var receiving: End?
  }

  private static func count(_ part: String) throws -> [Costs] {
    struct Report: Decodable { var costs: [Costs] }
    // Step by step, each a change of process: on a busy machine that takes its time.
    let outcome = try Peer(["--costs", "--json", "--case", part], executable: Peer.path(of: "linkbench"))
      .wait(deadline: deadline(after: .seconds(600)))
    #expect(outcome.ending == .exited(0), "\(outcome.messages)")
    return try JSONDecoder().decode(Report.self, from: Data(outcome.output.utf8)).costs
  }

  /// By the direction, counted once.
  private static let sharedMemory = ["client-to-server", "server-to-client"].reduce(into: [:]) { all, way in
    all[way] = Result { try count(way) }
  }

  /// Whether a process may be run in single steps here, and its instructions are known.
  private static func canStepHere() -> Bool {
    sharedMemory.values.contains { (try? $0.get())?.contains { $0.sending != nil } ?? true }
  }

  /// Under a sanitizer nobody counts; a build that is not optimised makes closures and arrays as it likes.
  private func expectNoAllocation(_ costs: Costs) {
    #if !DEBUG
      #expect(costs.allocationsPerPacket ?? 0 == 0, "\(costs.name)")
    #endif
  }

  @Test(arguments: ["client-to-server", "server-to-client"])
  func `nothing is allocated for a packet in shared memory, and nobody is rung who is awake`(way: String) throws {
    let all = try #require(Self.sharedMemory[way]).get()
    #expect(all.count == 12)
    for costs in all {
      expectNoAllocation(costs)
      #expect(costs.packets > 0)
      #expect(costs.notificationsPerBatch <= 1, "\(costs.name)")
      if costs.name.hasSuffix("/awake") {
        #expect(costs.notificationsPerBatch == 0 && costs.sleepsPerBatch == 0, "\(costs.name)")
      } else if costs.name.hasSuffix("/asleep") {
        #expect(costs.sleepsPerBatch == 1, "\(costs.name)")
      }
    }
  }

  // A build that is not optimised executes something else.
  #if !DEBUG
    @Test(
      .enabled("needs a kernel that allows ptrace, and x86-64") { canStepHere() },
      arguments: ["client-to-server", "server-to-client"])
    func `a batch in shared memory takes two fences at most, and no system call while both look`(way: String) throws {
      for costs in try #require(Self.sharedMemory[way]).get() where !costs.name.hasSuffix("/threads") {
        let (sending, receiving) = (try #require(costs.sending), try #require(costs.receiving))
        if costs.name.hasSuffix("/awake") {
          #expect(sending.fencesPerBatch + receiving.fencesPerBatch <= 2, "\(costs.name)")
          #expect(sending.systemCallsPerPacket == 0 && receiving.systemCallsPerPacket == 0, "\(costs.name)")
        } else {
          #expect(sending.fencesPerBatch <= 1, "\(costs.name)")
          // It says that it sleeps, and looks once more: for packets, and whether somebody waits for room.
          #expect(receiving.fencesPerBatch <= 2, "\(costs.name)")
          // Whether the bell's counter has room, and one more.
          #expect(sending.systemCallsPerPacket * batch(costs) <= 2, "\(costs.name)")
          // The wait, and what its descriptors brought.
          #expect(receiving.systemCallsPerPacket * batch(costs) <= 3, "\(costs.name)")
        }
      }
    }
  #endif

  private func batch(_ costs: Costs) -> Double { costs.name.contains("/32/") ? 32 : 1 }

  /// By the ways of receiving and sending, the last part of a case's name.
  private static let callsPerPacket: [String: Double] = [
    "readv": 1, "recvmmsg": 1 / 32, "ring-v2": 1 / 32, "ring-v3": 1 / 32, "1": 1, "32": 1 / 32,
  ]

  @Test(arguments: ["seqpacket", "datagram"] + (geteuid() == 0 ? ["packet", "tun"] : []))
  func `a packet over a descriptor takes the system calls of its way, and no memory`(medium: String) throws {
    let all = try Self.count("\(medium)/")
    #expect(!all.isEmpty)
    for costs in all {
      expectNoAllocation(costs)
      guard let end = costs.sending ?? costs.receiving else { continue }
      let way = String(costs.name.split(separator: "/").last!)
      // A device takes a packet at a time.
      let most = medium == "tun" ? 1 : try #require(Self.callsPerPacket[way])
      // Now and then a packet socket asks how many packets the kernel dropped.
      #expect(end.systemCallsPerPacket <= most + 1 / 32, "\(costs.name)")
    }
  }
}
