import Glibc
import LinkSystem
package import LinkTestSupport

extension Cell {
  /// What both processes left.
  package struct Outcome: Sendable {
    package var near: Peer.Outcome
    package var far: Peer.Outcome
    /// Who verified the packets.
    package var receiver: Peer.Outcome
    package var packets: Int

    /// What was not as it should be; nothing, if all is well.
    package var faults: [String] {
      var faults: [String] = []
      if receiver.number("received") != packets { faults.append("received \(receiver.number("received") ?? 0)") }
      for key in ["lost", "duplicated", "reordered", "corrupt"] where receiver.number(key) != 0 {
        faults.append("\(key) \(receiver.number(key) ?? 0)")
      }
      for (name, side) in [("near", near), ("far", far)] where side.ending != .exited(0) {
        faults.append("\(name) side \(side.ending): \(side.messages)\(side.output)")
      }
      return faults
    }

    /// Of a ping: round trips.
    package var packetsPerSecond: Double { receiver.decimal("packets_per_second") ?? 0 }
  }

  /// Carries so many packets between two processes. `near`: ours, but for comparisons.
  package func run(near: Side = .ours, far: Side = .gvisor, packets: Int, check: String = "crc") throws -> Outcome {
    let wire = try Wire(medium)
    let nearPeer = try near.start(
      wire.near, actions(packets).near + common(check) + framing(1, 2) + flags(of: near, facing: far))
    let farPeer = try startFar(on: wire, far, packets: packets, check: check)
    wire.letGo(near: near, far: far)
    defer { withExtendedLifetime(wire) {} }
    return finish(nearPeer, farPeer, packets)
  }

  /// Starts the far side's process.
  package func startFar(
    on wire: Wire, _ far: Side = .gvisor, packets: Int, check: String = "crc"
  ) throws -> Peer {
    try far.start(wire.far, actions(packets).far + common(check) + framing(2, 1))
  }

  private func common(_ check: String) -> [String] {
    ["--size", "\(size)", "--check", check, "--json", "--timeout", "50"]
  }

  private func finish(_ near: Peer, _ far: Peer, _ packets: Int) -> Outcome {
    switch job {
    case .nearSends, .farSends:
      let outcomes = (near.wait(), far.wait())
      return Outcome(
        near: outcomes.0, far: outcomes.1, receiver: job == .nearSends ? outcomes.1 : outcomes.0, packets: packets)
    case .farEchoes:
      let pinger = near.wait()
      return Outcome(near: pinger, far: end(far), receiver: pinger, packets: packets)
    case .nearEchoes:
      let pinger = far.wait()
      return Outcome(near: end(near), far: pinger, receiver: pinger, packets: packets)
    }
  }

  /// An echo goes on until its peer leaves, which is not told over every medium.
  private func end(_ echo: Peer) -> Peer.Outcome {
    var patience = Duration.zero
    if case .sharedMemory = medium { patience = .seconds(10) }
    echo.signal(SIGTERM, unlessEndedBy: deadline(after: patience))
    return echo.wait()
  }

  private func actions(_ packets: Int) -> (near: [String], far: [String]) {
    switch job {
    case .nearSends: (["--source", "\(packets)"], ["--sink", "\(packets)"])
    case .farSends: (["--sink", "\(packets)"], ["--source", "\(packets)"])
    case .farEchoes: (["--ping", "\(packets)"], ["--echo"])
    case .nearEchoes: (["--echo"], ["--ping", "\(packets)"])
    }
  }

  private func framing(_ own: Int, _ other: Int) -> [String] {
    isEthernet ? ["--ethernet", "02:00:00:00:00:0\(own)", "--peer-ethernet", "02:00:00:00:00:0\(other)"] : []
  }

  /// gVisor's server pads every frame to whole buffers, which may be more than the MTU allows to send back.
  private func flags(of near: Side, facing far: Side) -> [String] {
    guard near == .ours, far == .gvisor, job == .nearEchoes else { return [] }
    return medium == .sharedMemory(nearRole: "client") ? ["--trim"] : []
  }
}
