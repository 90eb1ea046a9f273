import HostilePeer
import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink

/// A victim in this process: an endpoint, beside whatever else runs here.
final class EndpointVictim: Victim, Sendable {
  let role: LinkRole
  private let state = Monitor(State())

  private struct State: Sendable {
    var link: SharedMemEndpoint?
    var reason: LinkCloseReason?
    /// Why there never was a link.
    var refusal: LinkError?
    /// The ends of hand-overs that are under way.
    var connections: Set<Int32> = []
  }

  init(_ role: LinkRole) { self.role = role }

  // MARK: Starting

  func start(_ files: LinkFiles, sends: Bool) throws {
    var numbers = try files.descriptors.map { try OwnedDescriptor.duplicating($0).release() }
    let socket = try OwnedDescriptor.duplicating(files.victimSocket).release()
    let policy: FilePolicy = files.isSealed ? .sealedOnly : .unsealedGuarded
    do throws(LinkError) {
      let transmit = try QueueFiles(takingOwnershipOf: Array(numbers[..<5]), accepting: policy)
      numbers.removeFirst(5)
      let receive = try QueueFiles(takingOwnershipOf: numbers, accepting: policy)
      numbers = []
      try attach(QueuePair(transmit: transmit, receive: receive), peer: socket)
    } catch {
      for number in numbers + [socket] { _ = OwnedDescriptor(owning: number) }
      state.withLock { $0.refusal = error }
    }
  }

  /// The socket stays the caller's if this throws.
  private func attach(_ queues: consuming QueuePair, peer: Int32) throws(LinkError) {
    let link = try SharedMemEndpoint(role == .client ? .client : .server, queues: queues, peer: peer)
    let echo = Echo(link) { [state] reason in state.withLock { $0.reason = reason } }
    try link.attach(echo)
    state.withLock { $0.link = link }
  }

  func connection() throws -> OwnedDescriptor {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let mine = ends[1]
    state.withLock { _ = $0.connections.insert(mine) }
    _ = try SystemThread(name: "hand-over") { self.handOver(mine) }
    return OwnedDescriptor(owning: ends[0])
  }

  private func handOver(_ socket: Int32) {
    do throws(LinkError) {
      if role == .client {
        try HandOver.accept(on: socket) { (_, queues) throws(LinkError) in try attach(queues, peer: socket) }
      } else {
        let queues = try QueuePair.make()
        try HandOver.offer(queues, LinkOffer(mtu: 1500), on: socket)
        try attach(queues, peer: socket)
      }
    } catch {
      _ = OwnedDescriptor(owning: socket)
      // A server goes on with the next.
      if role == .client { state.withLock { $0.refusal = error } }
    }
    state.withLock { _ = $0.connections.remove(socket) }
  }

  // MARK: Ending

  var hasEnded: Bool { state.withLock { $0.reason != nil || $0.refusal != nil } }

  /// This process is not its own.
  var usage: VictimUsage? { nil }

  func end(within limit: Duration) -> VictimEnding {
    let began = monotonicNanoseconds()
    let end = deadline(after: limit)
    let snapshot = state.withLock { state in
      for connection in state.connections { UnixSocket.shutDown(connection) }
      return state
    }
    var fault: String?
    if let link = snapshot.link {
      link.close()
      let isOver = try? inThread(deadline: end) { (try? link.wait()) != nil }
      if isOver != true { fault = "close did not end within \(limit)" }
    }
    let milliseconds = Double(monotonicNanoseconds() - began) / 1e6
    if state.wait(deadline: end, { $0.connections.isEmpty ? true : nil }) == nil {
      fault = "the hand-over did not end within \(limit)"
    }
    let reason = state.withLock { $0.reason?.description ?? $0.refusal?.description ?? "" }
    return VictimEnding(
      fault: fault, isRefusal: snapshot.link == nil, reason: reason, milliseconds: milliseconds)
  }
}

/// Sends back what there is room for.
private final class Echo: LinkDispatcher {
  private unowned let link: SharedMemEndpoint
  private let onClose: @Sendable (LinkCloseReason) -> Void

  init(_ link: SharedMemEndpoint, onClose: @escaping @Sendable (LinkCloseReason) -> Void) {
    self.link = link
    self.onClose = onClose
  }

  func deliverPackets(_ packets: inout PacketBatch) { _ = try? link.writeBatch(packets) }
  func linkDidClose(_ reason: LinkCloseReason) { onClose(reason) }
}
