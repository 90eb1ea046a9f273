import LinkCore
import LinkSystem

/// What a sender that was refused waits for.
enum RoomWish: Equatable {
  case none
  /// Until the descriptor polls writable.
  case writable
  /// Until this time on the monotonic clock: the kernel announces nothing, or announced room that was not there.
  case timer(UInt64)
}

/// The sending half of a link. It lives under a lock of its own: senders come from any thread.
struct Sender: ~Copyable {
  /// Closed when this becomes nil.
  private var file: OwnedDescriptor?
  /// For sockets: what one call takes at most.
  var row: MessageRow?
  private let isSocket: Bool
  let offloading: Offloading
  /// Without virtio-net headers.
  private let isPlain: Bool
  /// For devices behind virtio-net headers: the parts of packets that are joined. Nil: none is.
  var parts: PartRow?
  let partCapacity: Int
  /// The kernel has taken joined packets.
  var hasJoined = false
  var tally = LinkTally()
  private let published: PublishedTally
  private(set) var wish = RoomWish.none
  /// Room was announced and nothing was taken since.
  private var hasAnnounced = false
  /// The write under way met an interface that was down: the receiving half may not hear of it, since a socket reports it
  /// once.
  private var metLinkDown = false
  /// A write met the end of the link.
  private(set) var ending: LinkCloseReason?

  /// `messagesPerCall`: how many packets one call may take; 0 for a descriptor that is no socket.
  /// `partsPerCall`: how many parts one call to a device may take.
  init(
    file: consuming OwnedDescriptor, messagesPerCall: Int, partsPerCall: Int, offloading: Offloading,
    published: PublishedTally
  ) {
    self.file = consume file
    partCapacity = messagesPerCall == 0 && offloading.headerByteCount > 0 ? partsPerCall : 0
    parts = partCapacity > 2 ? PartRow(capacity: partCapacity) : nil
    self.offloading = offloading
    isPlain = offloading.headerByteCount == 0
    isSocket = messagesPerCall > 0
    row =
      messagesPerCall == 0 ? nil : MessageRow(capacity: messagesPerCall, headByteCount: offloading.headerByteCount)
    self.published = published
  }

  /// Nil when it is closed.
  var descriptor: CInt? {
    switch file {
    case .some(let file): file.number
    case nil: nil
    }
  }

  /// Why a write took no more packets.
  enum Stop: Equatable {
    case finished
    /// Room is wanted; whether it was not before.
    case full(isNews: Bool)
    /// As `ending` says.
    case ended(isNews: Bool)
    /// What is left to be done to the packet is nothing that the kernel does, as `offloading` says by now. It was not taken.
    case offloadRefused
    case released
  }

  /// What came of a write.
  struct Outcome {
    /// The length of the prefix that was sent, or dropped.
    var accepted: Int
    var stop: Stop
    /// An interface was found down.
    var metLinkDown = false

    /// There is nothing to tell.
    var isUneventful: Bool { stop == .finished && !metLinkDown }
  }

  /// After so many nanoseconds a full transmit queue is tried again: about what such a queue takes to drain.
  private static let roomCheck: UInt64 = 1_000_000

  /// Sends a prefix. One packet alone that is nothing special goes without a detour.
  @inline(__always) mutating func send(_ packets: Span<PacketBuffer>, _ limits: SendLimits) -> Outcome {
    guard packets.count == 1, isPlain, ending == nil, let descriptor, limits.refusal(of: packets[0]) == nil else {
      return send(packets, limits, after: nil)
    }
    let result = transmit(packets[0], descriptor)
    guard result > 0 else { return send(packets, limits, after: result) }
    tally.batches &+= 1
    hasAnnounced = false
    published.publish(&tally)
    return Outcome(accepted: 1, stop: .finished)
  }

  /// `first`: what a call with the first packet alone came to, if there was one.
  @inline(never) private mutating func send(
    _ packets: Span<PacketBuffer>, _ limits: SendLimits, after first: Int?
  ) -> Outcome {
    guard let descriptor else { return Outcome(accepted: 0, stop: .released) }
    if ending != nil { return Outcome(accepted: 0, stop: .ended(isNews: false)) }
    var first = first
    let before = tally.packets
    var stop = Stop.finished
    var index = 0
    while index < packets.count {
      if let cause = limits.refusal(of: packets[index]) {
        tally[cause] += 1
        index += 1
        continue
      }
      if offloading.stopsAt(packets[index]) {
        stop = .offloadRefused
        break
      }
      let result = first.take() ?? transmit(packets, from: index, limits, descriptor)
      if result > 0 {
        index += result
      } else if let reason = self.stop(CInt(-result), packets[index]) {
        stop = reason
        break
      } else {
        index += 1
      }
    }
    if tally.packets != before {
      tally.batches &+= 1
      hasAnnounced = false
    }
    if case .full = stop { tally[.refusedWrite] += 1 }
    published.publish(&tally)
    defer { metLinkDown = false }
    return Outcome(accepted: index, stop: stop, metLinkDown: metLinkDown)
  }

  /// One call, with as many packets from `first` on as it takes. Returns how many went, or minus errno: then the first of
  /// them is what it is about, also where a longer call was cut short by it.
  private mutating func transmit(
    _ packets: Span<PacketBuffer>, from first: Int, _ limits: SendLimits, _ descriptor: CInt
  ) -> Int {
    if offloading.headerByteCount > 0 { return transmitBehindHeaders(packets, from: first, limits, descriptor) }
    let capacity = min(row?.capacity ?? 1, packets.count - first)
    if capacity == 1 { return transmit(packets[first], descriptor) }
    // SAFETY: the packets are borrowed for the call.
    let bytes = unsafe packets[first].frameBytes
    unsafe row!.set(0, bytes.baseAddress, byteCount: bytes.count)
    var ready = 1
    while ready < capacity, limits.refusal(of: packets[first + ready]) == nil {
      let bytes = unsafe packets[first + ready].frameBytes
      unsafe row!.set(ready, bytes.baseAddress, byteCount: bytes.count)
      ready += 1
    }
    let result = unsafe row!.send(descriptor, count: ready)
    count(packets, from: first, result)
    return result
  }

  /// The same with one packet.
  @inline(__always) private mutating func transmit(_ packet: borrowing PacketBuffer, _ descriptor: CInt) -> Int {
    // SAFETY: the packet is borrowed for the call.
    let bytes = unsafe packet.frameBytes
    let result = unsafe isSocket ? PacketIO.send(descriptor, bytes) : PacketIO.write(descriptor, bytes)
    if result < 0 { return result }
    count(1, byteCount: bytes.count)
    return 1
  }

  /// `result` packets went, if it is no errno.
  mutating func count(_ packets: Span<PacketBuffer>, from first: Int, _ result: Int) {
    guard result > 0 else { return }
    var byteCount = 0
    for index in first..<first + result { byteCount += packets[index].frameByteCount }
    count(result, byteCount: byteCount)
  }

  mutating func count(_ packets: Int, byteCount: Int) {
    tally.packets &+= UInt64(packets)
    tally.bytes &+= UInt64(byteCount)
  }

  /// What an errno means for the write under way; nil: this packet, its first, is lost and counted.
  private mutating func stop(_ number: CInt, _ packet: borrowing PacketBuffer) -> Stop? {
    if ErrnoClass.refusesOffload(number), offloading.isAffected(by: packet) {
      if offloading.refuse(packet) { tally[.offloadRefusal] += 1 }
      if offloading.stopsAt(packet) { return .offloadRefused }
      tally[.refused] += 1
      return nil
    }
    let operation = row == nil ? "write" : "sendmmsg"
    switch ErrnoClass(sending: number) {
    case .wouldBlock:
      let isNews = wish == .none
      // Room that was announced and is not there would be announced again and again.
      let willPoll = ErrnoClass.announcesRoom(after: number) && !hasAnnounced
      wish = willPoll ? .writable : .timer(monotonicNanoseconds() &+ Self.roomCheck)
      return .full(isNews: isNews)
    case .drop:
      tally[.refused] += 1
      return nil
    case .linkDown:
      tally[.linkDown] += 1
      metLinkDown = row != nil
      return nil
    case .peerGone: return end(.peerDisconnected)
    case .ownMistake:
      assertionFailure("\(operation) on our descriptor: \(errorMessage(number))")
      return end(.failed(LinkError(SystemError(operation, number))))
    case .fatal: return end(.failed(LinkError(SystemError(operation, number))))
    }
  }

  private mutating func end(_ reason: LinkCloseReason) -> Stop {
    ending = reason
    wish = .none
    return .ended(isNews: true)
  }

  /// Whether room that was wanted is there now. The wish is over then.
  mutating func roomCame() -> Bool {
    guard let descriptor = file?.number else { return false }
    switch wish {
    case .none: return false
    case .writable:
      // Without memory for one poll there is no room either.
      do { if try poll(descriptor, .output, nanoseconds: 0).isEmpty { return false } } catch { return false }
    case .timer(let deadline):
      if monotonicNanoseconds() < deadline { return false }
      tally[.roomCheck] += 1
      published.publish(&tally)
    }
    wish = .none
    hasAnnounced = true
    return true
  }

  /// Room that will not come is not waited for.
  mutating func withdrawWish() { wish = .none }

  mutating func release() { file = nil }

  /// The descriptor is somebody else's again.
  mutating func disown() { _ = file.take()?.release() }
}
