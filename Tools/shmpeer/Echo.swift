import LinkCore
import LinkSystem

/// Sends back every packet, unchanged but for the Ethernet addresses, which change places. What finds no room waits
/// here; the packets are the link's own, so that a peer that does not read stops the link instead of filling memory.
final class Echo: ActionRunner {
  private struct State: ~Copyable {
    var backlog = PacketQueue(capacity: 256)
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
      flush(&state)
      let written = state.backlog.isEmpty ? packets.withPackets { write($0, &state.dropped) } : 0
      for index in written..<packets.count {
        if state.backlog.isFull { state.dropped += 1 } else { state.backlog.append(packets.take(index)) }
      }
    }
  }

  func linkHasRoom() { state.withLock { flush(&$0) } }

  private func flush(_ state: inout State) {
    while !state.backlog.isEmpty {
      let (done, offered) = state.backlog.withFront { (write($0, &state.dropped), $0.count) }
      for _ in 0..<done { _ = state.backlog.removeFirst() }
      if done < offered { return }
    }
  }

  /// Returns how many packets are done with: taken, or lost because the link takes none any more. Packets that were kept
  /// for a peer that is gone would keep the link from reading what it left.
  private func write(_ packets: Span<PacketBuffer>, _ dropped: inout UInt64) -> Int {
    do { return try link.writePackets(packets) } catch {
      if error.code == .wouldBlock { return 0 }
      dropped += UInt64(packets.count)
      return packets.count
    }
  }

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
  var lastArrival: UInt64 { state.withLock { $0.lastAt } }
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
