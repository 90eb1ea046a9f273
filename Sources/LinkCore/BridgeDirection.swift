import LinkSystem

/// One direction of a bridge: from the link that delivers to `target`.
///
/// Two threads write to the target: the source's, with what it delivers, and the target's own, when it has room. Whoever
/// has taken the outbox writes, the other leaves its packets, or its news of room, in the state. So packets keep their
/// order, and no lock is held while a link is called.
final class BridgeDirection: Sendable {
  /// What is done to each packet's link header.
  enum Translation: Sendable {
    case none, removeHeader
    case addHeader(destination: LinkAddress?)
  }

  private struct State: ~Copyable {
    /// Packets behind those in the outbox.
    var waiting: PacketQueue
    /// The packets to be written next; nil while somebody writes them.
    var outbox: PacketQueue? = PacketQueue(capacity: 64)
    /// The target announced room while somebody wrote.
    var roomCame = false
    var tally = LinkTally()
    var isTargetClosed = false
    var closesTargetWhenDrained = false
  }

  private enum Next { case write, rest, closeTarget }

  private let target: any LinkEndpoint
  private let translation: Translation
  private let state: Lock<State>

  init(to target: any LinkEndpoint, _ translation: Translation, backlogCapacity: Int) {
    self.target = target
    self.translation = translation
    state = Lock(State(waiting: PacketQueue(capacity: backlogCapacity)))
  }

  var flow: LinkBridge.Flow {
    state.withLock { state in
      LinkBridge.Flow(tally: state.tally, backlog: state.waiting.count + (state.outbox?.count ?? 0))
    }
  }

  // MARK: Events

  /// The source delivered.
  func deliver(_ packets: inout PacketBatch) {
    let translation = translation
    translate(&packets, translation)
    if packets.isEmpty { return }
    var out = state.withLock { state in
      let isIdle = state.outbox?.isEmpty == true && state.waiting.isEmpty
      if isIdle { return state.outbox.take() }
      Self.keep(&packets, 0, &state.waiting, &state.tally)
      return nil
    }
    guard out != nil else { return }
    // The usual case: nothing waits, and the batch is written as it lies.
    let taken = packets.withPackets { write($0) }
    if taken < packets.count { state.withLock { Self.keep(&packets, taken, &out!, &$0.tally) } }
    drain(&out, isBlocked: taken < packets.count)
  }

  /// The target has room, or is attached.
  func flush() {
    var out = state.withLock { state in
      if state.outbox == nil { state.roomCame = true }
      return state.outbox.take()
    }
    if out != nil { drain(&out, isBlocked: false) }
  }

  /// The source delivers no more: closes the target once everything is handed over.
  func sourceEnded() {
    state.withLock { $0.closesTargetWhenDrained = true }
    flush()
  }

  /// The target is closed: nothing can be handed over any more.
  func targetClosed() {
    state.withLock { $0.isTargetClosed = true }
    flush()
  }

  // MARK: Writing

  /// Writes until the outbox is empty and nothing waits, or the target is full; then puts the outbox back.
  private func drain(_ out: inout PacketQueue?, isBlocked: Bool) {
    var isBlocked = isBlocked
    while true {
      if !isBlocked { isBlocked = writeAll(&out!) }
      // It is not drained.
      if target.holdsPackets { isBlocked = true }
      switch state.withLock({ Self.settle(&$0, &out, isBlocked) }) {
      case .write: isBlocked = false
      case .rest: return
      case .closeTarget: return target.close()
      }
    }
  }

  /// Returns whether packets are left, because the target is full.
  private func writeAll(_ out: inout PacketQueue) -> Bool {
    while !out.isEmpty {
      let (taken, offered) = out.withFront { (write($0), $0.count) }
      for _ in 0..<taken { _ = out.removeFirst() }
      if taken < offered { return true }
    }
    return false
  }

  /// What the one who writes does next. The outbox is put back unless that is writing.
  private static func settle(_ state: inout State, _ out: inout PacketQueue?, _ isBlocked: Bool) -> Next {
    if isBlocked && (state.roomCame || state.isTargetClosed) {
      state.roomCame = false
      return .write
    }
    if !isBlocked {
      out!.fill(from: &state.waiting)
      if out?.isEmpty == false { return .write }
    }
    state.roomCame = false
    state.outbox = out.take()
    return !isBlocked && state.closesTargetWhenDrained ? .closeTarget : .rest
  }

  /// Hands a row of packets to the target; returns how many are done with: taken, or dropped since it is closed.
  private func write(_ packets: Span<PacketBuffer>) -> Int {
    var taken = 0
    var isGone = false
    do { taken = try target.writePackets(packets) } catch {
      // A target that is not attached yet is one without room.
      isGone = error.code != .wouldBlock && error.code != .notAttached
    }
    var bytes = 0
    for index in 0..<taken { bytes += packets[index].frameByteCount }
    return state.withLock { state in
      if isGone || state.isTargetClosed {
        state.tally[.linkDown] += UInt64(packets.count - taken)
      }
      if taken > 0 {
        state.tally.packets += UInt64(taken)
        state.tally.bytes += UInt64(bytes)
        state.tally.batches += 1
      }
      return isGone || state.isTargetClosed ? packets.count : taken
    }
  }

  /// Moves the packets from position `first` on to a queue, and counts those that find no room.
  private static func keep(
    _ packets: inout PacketBatch, _ first: Int, _ queue: inout PacketQueue, _ tally: inout LinkTally
  ) {
    for index in first..<packets.count {
      if queue.isFull { tally[.noRoom] += 1 } else { queue.append(packets.take(index)) }
    }
  }

  // MARK: Link headers

  /// Makes the target's frames of the source's. Packets that cannot cross are taken out and counted.
  private func translate(_ packets: inout PacketBatch, _ translation: Translation) {
    if case .none = translation { return }
    for index in 0..<packets.count {
      guard let cause = packets.modify(index, { translated(&$0, translation) }) else { continue }
      _ = packets.take(index)
      state.withLock { $0.tally[cause] += 1 }
    }
    packets.compact()
  }

  /// Translates one packet; the cause why it cannot cross, if so.
  private func translated(_ packet: inout PacketBuffer, _ translation: Translation) -> DropCause? {
    let type = packet.facts.networkProtocol
    guard type == .ipv4 || type == .ipv6 else { return .foreign }
    switch translation {
    case .none: break
    case .removeHeader: packet.removeLinkHeader()
    case .addHeader(let destination):
      packet.facts.localAddress = nil
      packet.facts.remoteAddress = destination
      do { try target.addHeader(to: &packet) } catch { return .unframed }
    }
    return nil
  }
}
