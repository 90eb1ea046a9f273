import LinkCore
import LinkSystem

/// What all ways of receiving share: the descriptor, the judgement of frames and of errnos, and the counters.
struct ReceiveInput {
  let descriptor: CInt
  let kind: AdoptedDescriptor.Kind
  let framing: LinkFraming
  let filtersAddresses: Bool
  /// The virtio-net header in front of each frame; 0: there is none.
  let headerByteCount: Int
  let multicast: MulticastFilter
  /// The largest frame, link header included.
  var frameLimit = 0
  /// The same of a frame that somebody else is to cut; 0: of those there are none.
  let segmentedFrameLimit: Int
  var tally = LinkTally()
  /// The interface of a packet socket went down.
  private var isInterfaceDown = false
  /// A wait has ended, and nothing came since.
  var hasWoken = false
  /// The other end is gone. What it has sent before is still to be read.
  var peerIsGone = false
  /// A read has reported it.
  private var wasReset = false
  /// Why nothing more will come. Kept, since an errno may be reported once only, together with packets.
  private(set) var ending: LinkCloseReason?

  init(
    descriptor: CInt, kind: AdoptedDescriptor.Kind, framing: LinkFraming, offloading: Offloading, _ options: FDOptions
  ) {
    self.descriptor = descriptor
    self.kind = kind
    self.framing = framing
    filtersAddresses = options.filtersAddresses
    multicast = options.multicast
    headerByteCount = offloading.headerByteCount
    segmentedFrameLimit = offloading.segmentedByteCount == 0 ? 0 : offloading.segmentedByteCount + framing.headerLength
  }

  /// How to go on after a frame or an errno.
  enum Next { case again, idle, paused, stop(LinkCloseReason) }

  // MARK: Frames

  /// The largest frame that can be read into a packet of `batch`. Its dispatcher may have left a batch of another pool,
  /// whose chunks are smaller.
  func room(in batch: borrowing PacketBatch) -> Int {
    max(0, min(max(frameLimit, segmentedFrameLimit), batch.pool.chunkByteCount - PacketBuffer.defaultHeadroom))
  }

  /// The largest frame with these facts.
  func limit(_ offload: PacketOffload) -> Int {
    offload.segmentation == .none ? frameLimit : max(frameLimit, segmentedFrameLimit)
  }

  /// Judges a frame: `byteCount` bytes were read into a packet prepared for `room`, more than that if it did not fit.
  /// `tag` was in the frame on the wire, and is put back. False: it is counted as a drop, and the packet can be reused.
  /// `headerByteCount` is a constant 0 where there is no virtio-net header: such links do not pay for it.
  @inline(__always) mutating func accept(
    _ packet: inout PacketBuffer, byteCount: Int, room: Int, headerByteCount: Int = 0, _ tag: VLANTag? = nil
  ) -> Bool {
    let cause =
      headerByteCount == 0
      ? dropCause(&packet, byteCount, room, tag)
      : dropCauseBehindHeader(&packet, byteCount - headerByteCount, room, tag)
    return count(packet, cause)
  }

  @inline(__always) private mutating func count(_ packet: borrowing PacketBuffer, _ cause: DropCause?) -> Bool {
    if let cause {
      drop(cause)
      return false
    }
    tally.packets &+= 1
    tally.bytes &+= UInt64(packet.frameByteCount)
    return true
  }

  @inline(never) private mutating func drop(_ cause: DropCause) { tally[cause] += 1 }

  @inline(__always) private func dropCause(
    _ packet: inout PacketBuffer, _ byteCount: Int, _ room: Int, _ tag: VLANTag?
  ) -> DropCause? {
    // As interfaces do it, the tag does not count.
    if byteCount > frameLimit { return .oversize }
    if byteCount > room { return .truncated }
    packet.trim(toByteCount: byteCount)
    if let tag { packet.insert(tag) }
    return parse(&packet)
  }

  @inline(__always) func parse(_ packet: inout PacketBuffer) -> DropCause? {
    guard framing.parseHeader(of: &packet) else { return .runt }
    return filtersAddresses && !Self.isForUs(packet, framing, multicast) ? .misaddressed : nil
  }

  // Static, and not inlined: a copy of all this, or more code, would be felt by links that do not filter.
  @inline(never) private static func isForUs(
    _ packet: borrowing PacketBuffer, _ framing: LinkFraming, _ multicast: MulticastFilter
  ) -> Bool {
    guard framing.isEthernet, let destination = packet.facts.localAddress else { return true }
    return destination.isMulticast ? multicast.accepts(destination) : destination == framing.linkAddress
  }

  /// How large an Ethernet frame may be of which nothing but its header has to be looked at; 0: all of them are judged one by
  /// one.
  func plainEthernetLimit(_ room: Int) -> Int {
    framing.isEthernet && !framing.trimsPadding && !filtersAddresses ? min(frameLimit, room) : 0
  }

  /// Frames that are good.
  mutating func count(_ packets: Int, byteCount: Int) {
    tally.packets &+= UInt64(packets)
    tally.bytes &+= UInt64(byteCount)
  }

  // MARK: Empty reads and errnos

  mutating func countEmpty() { tally[.empty] += 1 }

  /// A read brought no byte: an empty message, or the end of the connection, which reads the same.
  mutating func nextAfterEmptyRead() -> Next {
    if kind != .device, !reported(.peerShutdown).isDisjoint(with: [.hangUp, .peerShutdown]), nothingWaits {
      return stop(.peerDisconnected)
    }
    countEmpty()
    return .again
  }

  /// The ring has no frame for now. Only the socket itself tells why, and a look at it costs a system call: once per wake-up.
  @inline(never) mutating func nextAfterEmptyRing() -> Next {
    guard hasWoken || isInterfaceDown else { return .idle }
    let error = SocketFacts.takeError(descriptor)
    return error == 0 ? idle() : next(after: error, in: "getsockopt(SO_ERROR)")
  }

  /// For a link that does not read: only the end and errors of the descriptor count.
  mutating func nextWithoutReading() -> Next {
    let events = reported(.peerShutdown)
    if peerIsGone || !events.isDisjoint(with: [.hangUp, .peerShutdown]) { return stop(.peerDisconnected) }
    if events.isDisjoint(with: .gone) { return idle() }
    if kind == .device {
      return NetworkDevice.attached(to: descriptor) == nil ? stop(.failed(Self.deviceIsGone)) : .paused
    }
    discardErrors()
    let error = SocketFacts.takeError(descriptor)
    return error == 0 ? idle() : next(after: error, in: "getsockopt(SO_ERROR)")
  }

  private static let deviceIsGone = LinkError(.system, "the device is gone")

  mutating func countMalformed() { drop(.malformed) }

  /// A read failed.
  mutating func next(after number: CInt, in operation: String) -> Next {
    switch ErrnoClass(receiving: number, behindHeader: headerByteCount > 0) {
    case .wouldBlock: return peerIsGone ? stop(.peerDisconnected) : idle()
    case .drop:
      tally[.refused] += 1
      return .again
    case .linkDown:
      guard kind == .packetSocket else { return .paused }
      interfaceWentDown()
      return idle()
    case .peerGone:
      // Reported in front of what is queued; the second time nothing is. Somebody else may have told of the end before.
      if wasReset { return stop(.peerDisconnected) }
      (wasReset, peerIsGone) = (true, true)
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

  /// Counts what waits on the error queue, which the owner of the socket may have asked for: as long as something does,
  /// the socket polls ready.
  mutating func discardErrors() {
    // A Unix socket has none, and would give a packet.
    guard kind == .internetSocket || kind == .packetSocket else { return }
    let count = PacketIO.discardErrors(descriptor, limit: 64)
    if count > 0 { tally[.refused] += UInt64(count) }
  }

  /// Counts the frames that the kernel had no room for.
  mutating func collectKernelDrops() {
    guard kind == .packetSocket, let count = PacketSocket.takeDropCount(descriptor), count > 0 else { return }
    tally[.noRoom] += count
  }

  /// For packet sockets: from now on the next empty look finds out how the interface is.
  mutating func interfaceWentDown() { isInterfaceDown = kind == .packetSocket }

  /// A packet socket reports once that its interface went down, and neither that it is up again nor that it went away then.
  private mutating func idle() -> Next {
    guard isInterfaceDown else { return .idle }
    guard let isUp = PacketSocket.isInterfaceUp(descriptor) else {
      return stop(.failed(LinkError(.system, "the interface of the packet socket is gone")))
    }
    isInterfaceDown = !isUp
    return isUp ? .idle : .paused
  }

  /// No byte waits on the socket.
  private var nothingWaits: Bool { SocketFacts.waitingByteCount(descriptor) ?? 0 == 0 }

  /// For a link that cannot read, since it has no packets: whether hang-up or an error is reported, and if that is the
  /// end already, because nothing is left to read.
  func endWithoutReading() -> (isGone: Bool, reason: LinkCloseReason?) {
    let events = reported(.peerShutdown)
    if events.isDisjoint(with: .gone) { return (false, nil) }
    if kind != .device {
      let isEnd = !events.isDisjoint(with: [.hangUp, .peerShutdown]) && nothingWaits
      return (true, isEnd ? .peerDisconnected : nil)
    }
    if NetworkDevice.attached(to: descriptor) != nil { return (true, nil) }
    return (true, .failed(Self.deviceIsGone))
  }
}
