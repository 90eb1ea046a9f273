import LinkCore
import LinkSystem

/// Which of several packet sockets a frame goes to. Only `hash` and `queueMapping` keep flows in order. `PACKET_FANOUT` of
/// `packet(7)`.
public enum FanoutMode: String, CaseIterable, Sendable {
  /// By the flow that it belongs to. `PACKET_FANOUT_HASH`.
  case hash
  /// In turn. `PACKET_FANOUT_LB`.
  case loadBalance = "load-balance"
  /// By the processor that it came in on. `PACKET_FANOUT_CPU`.
  case processor
  /// To the first socket, and to the next when that is full. `PACKET_FANOUT_ROLLOVER`.
  case rollover
  /// To any. `PACKET_FANOUT_RND`.
  case random
  /// By the queue of the interface that it came in on. `PACKET_FANOUT_QM`.
  case queueMapping = "queue-mapping"

  private var mode: PacketFanout.Mode {
    switch self {
    case .hash: .hash
    case .loadBalance: .loadBalance
    case .processor: .processor
    case .rollover: .rollover
    case .random: .random
    case .queueMapping: .queueMapping
    }
  }

  func join(_ descriptors: [CInt]) throws(LinkError) {
    do { _ = try PacketFanout.join(descriptors, mode) } catch {
      throw LinkError(
        error,
        "packet sockets \(descriptors) do not make a fanout group: all have to be bound to one interface, which is up, and "
          + "none may be in a group already (then set FDOptions.fanout to nil)")
    }
  }

  /// The same for sockets that are muted until they are together.
  func joinMuted(_ descriptors: [CInt]) throws(LinkError) {
    try join(descriptors)
    do { for number in descriptors { try PacketSocket.mute(number, false) } } catch { throw LinkError(error) }
  }
}
