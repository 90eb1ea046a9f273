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
    package var size: Int
    /// Whether every body had to have a sum.
    package var isSummed: Bool

    /// What was not as it should be; nothing, if all is well.
    package var faults: [String] {
      var faults: [String] = []
      if receiver.number("received") != packets { faults.append("received \(receiver.number("received") ?? 0)") }
      for key in ["lost", "duplicated", "reordered", "corrupt"] where receiver.number(key) != 0 {
        faults.append("\(key) \(receiver.number(key) ?? 0)")
      }
      if let bytes = receiver.number("bytes"), bytes != packets * size { faults.append("\(bytes) bytes") }
      if isSummed, receiver.number("unsummed") != 0 { faults.append("unsummed \(receiver.number("unsummed") ?? -1)") }
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
    let (nearEnd, farEnd) = finish(nearPeer, farPeer)
    let farReceives = job == .nearSends || job == .nearEchoes
    return Outcome(
      near: nearEnd, far: farEnd, receiver: farReceives ? farEnd : nearEnd, packets: packets, size: size,
      isSummed: check == "crc")
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

  private func finish(_ near: Peer, _ far: Peer) -> (near: Peer.Outcome, far: Peer.Outcome) {
    switch job {
    case .nearSends, .farSends: return (near.wait(), far.wait())
    case .farEchoes:
      let pinger = near.wait()
      return (pinger, end(far))
    case .nearEchoes:
      let pinger = far.wait()
      return (end(near), pinger)
    }
  }

  /// An echo goes on until its peer leaves. In shared memory it has to notice that; on a socket it cannot.
  private func end(_ echo: Peer) -> Peer.Outcome {
    if case .sockets = medium { echo.signal(SIGTERM) }
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
