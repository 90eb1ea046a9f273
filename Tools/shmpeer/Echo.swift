import LinkCore
import LinkSystem

/// Sends back every packet, unchanged but for the Ethernet addresses, which change places. What finds no room waits
/// here; the packets are the link's own, so that a peer that does not read stops the link instead of filling memory.
final class Echo: ActionRunner {
  private struct State: ~Copyable {
    var backlog = PacketBacklog()
    var received: UInt64 = 0
    var bytes: UInt64 = 0
    var dropped: UInt64 = 0
    var firstAt: UInt64 = 0
    var lastAt: UInt64 = 0
  }

  let progress: Progress
  private let link: any LinkEndpoint
  private let isEthernet: Bool
  private let state = Lock(State())

  init(_ link: any LinkEndpoint) throws(Failure) {
    progress = try Progress()
    self.link = link
    isEthernet = link.hardwareType == .ethernet
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    let now = monotonicNanoseconds()
    state.withLock { state in
      if state.firstAt == 0 { state.firstAt = now }
      state.lastAt = now
      for index in 0..<packets.count {
        packets.modify(index) { packet in
          state.bytes &+= UInt64(packet.byteCount)
          if isEthernet { Self.turnRound(&packet) }
        }
      }
      state.received &+= UInt64(packets.count)
      var written = 0
      if state.backlog.flush(to: link) {
        do { written = try link.writeBatch(packets) } catch {}
      }
      for index in written..<packets.count where !state.backlog.put(packets.take(index)) { state.dropped += 1 }
    }
  }

  func linkHasRoom() { state.withLock { _ = $0.backlog.flush(to: link) } }

  private static func turnRound(_ packet: inout PacketBuffer) {
    let headerLength = packet.linkHeaderLength
    guard headerLength >= EthernetHeader.byteCount else { return }
    packet.unmarkLinkHeader()
    packet.withMutableBytes { frame in
      for index in 0..<6 {
        let byte = frame[index]
        frame[index] = frame[6 + index]
        frame[6 + index] = byte
      }
    }
    packet.markLinkHeader(headerLength)
  }

  var isDone: Bool { false }
  var hasGoal: Bool { false }
  func proceed() -> UInt64? { nil }

  func fill(_ report: inout Report) {
    let sent = link.statistics.sent.packets
    state.withLock { state in
      report.sent = sent
      report.received = state.received
      report.rated = (state.received, state.bytes)
      report.seconds = Double(state.lastAt - state.firstAt) / 1e9
      let lost = state.dropped + UInt64(state.backlog.count)
      if lost > 0 { report.drops[.noRoom, default: 0] += lost }
    }
  }
}
