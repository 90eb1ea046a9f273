import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport
import SharedMemLink

extension BenchCase {
  /// Two of our ends beside two of gVisor's, in batches of 32: saturated rate between two processes, each on a processor.
  static var gvisor: [BenchCase] {
    [SharedMemEndpoint.Role.client, .server].flatMap { sender in
      [64, 1500, 9000, 65000].map { gvisor(sender, byteCount: $0) }
    }
  }

  private static func gvisor(_ sender: SharedMemEndpoint.Role, byteCount: Int) -> BenchCase {
    let direction = sender == .client ? "client-to-server" : "server-to-client"
    return BenchCase(
      name: "gvisor/\(direction)/\(byteCount)", needsGVisor: true, isByClock: true,
      weight: Double(max(1, 32 * 1500 / max(byteCount, 1500))), startsProcesses: true
    ) { _ in
      let ours = try Side(QueueEnd(sender, .ours, batch: 32, byteCount: byteCount), .send) { near, count in
        try near.receive(count)
      }
      let race = GVisorRace(sender: sender == .client ? "client" : "server", byteCount: byteCount)
      return (Side(prepare: { $0 }, move: race.run, close: {}), ours)
    }
  }
}

/// gVisor's endpoints, in a pair of new processes each time.
struct GVisorRace {
  /// Its role.
  let sender: String
  let byteCount: Int

  /// What runs them, beside this program.
  static let program = "gvisorpeer"
  static var isBuilt: Bool { FileManager.default.isExecutableFile(atPath: Peer.path(of: program)) }

  func run(_ count: Int) throws -> Moved {
    let wire = try InteropSupport.Wire(.sharedMemory(nearRole: sender))
    let common = ["--size", "\(byteCount)", "--check", "none", "--bare", "--json", "--timeout", "50"]
    // Processes stay where this thread was when it started them.
    if let cpu = SecondProcess.cpus.other { ProcessControl.pin(to: cpu) }
    let source = try {
      defer { if let cpu = SecondProcess.cpus.own { ProcessControl.pin(to: cpu) } }
      return try start(wire.near, ["--source", "\(count)"] + common)
    }()
    let sink = try start(wire.far, ["--sink", "\(count)"] + common).wait()
    let ending = source.wait()
    withExtendedLifetime(wire) {}
    guard ending.ending == .exited(0), sink.ending == .exited(0), sink.number("received") == count,
      let rate = sink.decimal("packets_per_second"), rate > 0
    else { throw BenchFailure("gvisorpeer: \(ending.messages)\(sink.messages)\(sink.output)") }
    return Moved(packets: count, bytes: count * byteCount, nanoseconds: UInt64(Double(count) * 1e9 / rate))
  }

  private func start(_ place: InteropSupport.Place, _ words: [String]) throws -> Peer {
    try Peer(place.words + words, descriptors: place.descriptors, executable: Peer.path(of: Self.program))
  }
}
