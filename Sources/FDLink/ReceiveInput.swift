import LinkCore
import LinkSystem

/// What all ways of receiving share: the descriptor, the judgement of frames and of errnos, and the counters.
struct ReceiveInput {
  let descriptor: CInt
  let isSocket: Bool
  let framing: LinkFraming
  let filtersAddresses: Bool
  /// The largest frame, link header included.
  var frameLimit = 0
  var tally = LinkTally()
  /// The other end is gone. What it has sent before is still to be read.
  var peerIsGone = false
  /// Why nothing more will come. Kept, since an errno may be reported once only, together with packets.
  private(set) var ending: LinkCloseReason?

  init(descriptor: CInt, isSocket: Bool, framing: LinkFraming, filtersAddresses: Bool) {
    self.descriptor = descriptor
    self.isSocket = isSocket
    self.framing = framing
    self.filtersAddresses = filtersAddresses
  }

  /// How to go on after a frame or an errno.
  enum Next { case again, idle, paused, stop(LinkCloseReason) }

  // MARK: Frames

  /// Judges a frame: `byteCount` bytes were read into a packet prepared for `room`, more than that if it did not fit.
  /// False: it is counted as a drop, and the packet can be reused.
  mutating func accept(_ packet: inout PacketBuffer, byteCount: Int, room: Int) -> Bool {
    if let cause = dropCause(&packet, byteCount, room) {
      tally[cause] += 1
      return false
    }
    tally.packets &+= 1
    tally.bytes &+= UInt64(byteCount)
    return true
  }

  private func dropCause(_ packet: inout PacketBuffer, _ byteCount: Int, _ room: Int) -> DropCause? {
    if byteCount > frameLimit { return .oversize }
    if byteCount > room { return .truncated }
    packet.trim(toByteCount: byteCount)
    guard framing.parseHeader(of: &packet) else { return .runt }
    guard filtersAddresses, framing.isEthernet, let destination = packet.facts.localAddress else { return nil }
    return destination.isMulticast || destination == framing.linkAddress ? nil : .misaddressed
  }

  // MARK: Empty reads and errnos

  /// A read brought no byte: an empty message, or the end of the connection, which reads the same.
  mutating func nextAfterEmptyRead() -> Next {
    if isSocket, !reported(.peerShutdown).isDisjoint(with: [.hangUp, .peerShutdown]), nothingWaits {
      return stop(.peerDisconnected)
    }
    tally[.empty] += 1
    return .again
  }

  /// A read failed.
  mutating func next(after number: CInt, in operation: String) -> Next {
    switch ErrnoClass(receiving: number) {
    case .wouldBlock: return peerIsGone ? stop(.peerDisconnected) : .idle
    case .drop:
      tally[.refused] += 1
      return .again
    case .linkDown: return .paused
    case .peerGone:
      // Reported in front of what is queued; the second time nothing is.
      if peerIsGone { return stop(.peerDisconnected) }
      peerIsGone = true
      return .again
    case .ownMistake:
      assertionFailure("\(operation) on our descriptor: \(errorMessage(number))")
      return stop(.failed(LinkError(SystemError(operation, number))))
    case .fatal: return stop(.failed(LinkError(SystemError(operation, number))))
    }
  }

  private mutating func stop(_ reason: LinkCloseReason) -> Next {
    ending = reason
    return .stop(reason)
  }

  // MARK: The descriptor's state

  /// What the descriptor reports now; hang-up and error whether asked for or not.
  func reported(_ events: PollEvents) -> PollEvents {
    // It fails only for lack of memory: then nothing is known.
    do { return try poll(descriptor, events, nanoseconds: 0) } catch { return [] }
  }

  /// No byte waits on the socket.
  private var nothingWaits: Bool { SocketFacts.waitingByteCount(descriptor) ?? 0 == 0 }

  /// For a link that cannot read, since it has no packets: whether hang-up or an error is reported, and if that is the
  /// end already, because nothing is left to read.
  func endWithoutReading() -> (isGone: Bool, reason: LinkCloseReason?) {
    let events = reported(.peerShutdown)
    if events.isDisjoint(with: .gone) { return (false, nil) }
    if isSocket {
      let isEnd = !events.isDisjoint(with: [.hangUp, .peerShutdown]) && nothingWaits
      return (true, isEnd ? .peerDisconnected : nil)
    }
    if NetworkDevice.attached(to: descriptor) != nil { return (true, nil) }
    return (true, .failed(LinkError(.system, "the device is gone")))
  }
}
