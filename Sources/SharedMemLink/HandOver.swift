import Eventfd
public import LinkCore
import LinkSystem

/// How queues get from the process that made them to the other, over a connected Unix seqpacket socket: the receiver says
/// hello, the maker sends one message with ten descriptors (SCM_RIGHTS), the receiver answers when it has its end of the
/// link. Afterwards the socket carries nothing more, and each side keeps it as its peer descriptor.
///
/// A maker that many peers may come to is a `HandOverServer`.
public enum HandOver {
  /// Waits for the peer's hello, sends duplicates of the queues, and waits for its answer. The socket stays the caller's.
  /// Returns the offer as it was agreed on, which this side's end is to be made with.
  /// Throws `timedOut`, `protocolViolation` when the peer refuses or sends nonsense, `system`.
  @discardableResult
  public static func offer(
    _ queues: borrowing QueuePair, _ offer: LinkOffer, on socket: Int32, timeout: Duration = .seconds(5)
  ) throws(LinkError) -> LinkOffer {
    try LinkOptions.validate(mtu: offer.mtu)
    try QueueGeometry.validate(bufferByteCount: offer.bufferByteCount)
    let deadline = monotonicNanoseconds() &+ timeout.clampedNanoseconds
    let agreed = try wait(on: socket, until: deadline, "the peer's hello") { () throws(LinkError) in
      try takeHello(on: socket, offer)
    }
    try send(queues, agreed, on: socket)
    try wait(on: socket, until: deadline, "the peer's answer") { () throws(LinkError) in
      try takeAnswer(on: socket) ? true : nil
    }
    return agreed
  }

  /// Receives queues, and accepts them once `makeLink` has made its end of the link: when this returns, both sides have
  /// one. The socket stays the caller's, unless `makeLink` gives it to the link. `offloads`: what this side takes in packets,
  /// if the other side does too.
  ///
  /// Throws `timedOut`, `protocolViolation` when the message is not an offer of this version, `badDescriptor` when the
  /// descriptors are no queues of the sizes that were said, `system`, and what `makeLink` throws. The queues are closed
  /// then, and the other side is told.
  public static func accept<Link: ~Copyable>(
    on socket: Int32, as role: SharedMemEndpoint.Role = .client, accepting policy: FilePolicy = .sealedOnly,
    offloads: OffloadSupport = [], timeout: Duration = .seconds(5),
    _ makeLink: (LinkOffer, consuming QueuePair) throws(LinkError) -> Link
  ) throws(LinkError) -> Link {
    let deadline = monotonicNanoseconds() &+ timeout.clampedNanoseconds
    // A link that `makeLink` gave the socket to may close it before it was answered; the number is another file's then.
    let connection: OwnedDescriptor
    do { connection = try .duplicating(socket) } catch { throw LinkError(error, "hand-over") }
    // A server that refused without waiting for it has left its reason.
    try? tell(HandOverMessage.encodeHello(role, offloads), on: socket)
    var message = try wait(on: socket, until: deadline, "the offer") { () throws(LinkError) in
      try next(on: socket, "the offer", keepsDescriptors: true)
    }
    var verdict = HandOverMessage.Verdict.badOffer
    do throws(LinkError) {
      let (offer, claimedByteCounts) = try decode(message, &verdict)
      guard offer.receiverRole == role else {
        verdict = .wrongRole
        throw LinkError(.protocolViolation, "hand-over: the offer makes this side the \(offer.receiverRole)")
      }
      guard offer.offloads.isSubset(of: offloads) else {
        throw LinkError(.protocolViolation, "hand-over: the offer has offloads that this side did not ask for")
      }
      verdict = .badDescriptors
      let queues = try takeQueues(&message, claimedByteCounts, policy)
      verdict = .failed
      let link = try makeLink(offer, queues)
      // A server that went meanwhile is for the link to notice.
      try? tell(HandOverMessage.encode(.accepted), on: connection.number)
      return link
    } catch {
      message.closeAll()
      // The server's only hint; if it cannot be told it will see the end of the connection.
      try? tell(HandOverMessage.encode(verdict), on: connection.number)
      throw error
    }
  }

  /// Connects to the server at `path`; one that has too much to do is asked again until the timeout. The connection is the
  /// caller's to close or to give to an endpoint.
  /// Throws `timedOut`, or `system`: ENOENT or ECONNREFUSED when nobody listens there.
  public static func connect(path: String, timeout: Duration = .seconds(5)) throws(LinkError) -> Int32 {
    let deadline = monotonicNanoseconds() &+ timeout.clampedNanoseconds
    do throws(SystemError) {
      while true {
        // The kernel has no wait for a place in a listener's queue that another event could end.
        if let socket = try UnixSocket.connectIfRoom(path: path) { return socket.release() }
        if monotonicNanoseconds() >= deadline { throw SystemError("connect(\(path)): busy", SystemError.timedOut) }
        try poll([], nanoseconds: 5_000_000)
      }
    } catch { throw LinkError(error, code: error.number == SystemError.timedOut ? .timedOut : .system) }
  }

  private static func decode(
    _ message: DescriptorMessage, _ verdict: inout HandOverMessage.Verdict
  ) throws(LinkError) -> (LinkOffer, [Int]) {
    do throws(HandOverMessage.Problem) {
      let offer = try HandOverMessage.decodeOffer(message.bytes)
      if message.isTruncated { throw .malformed }
      return offer
    } catch {
      if case .version = error { verdict = .unknownVersion }
      throw violation(error, "the offer")
    }
  }

  /// Moves the descriptors of the message into queues; those that a failure leaves stay in the message.
  private static func takeQueues(
    _ message: inout DescriptorMessage, _ claimedByteCounts: [Int], _ policy: FilePolicy
  ) throws(LinkError) -> QueuePair {
    let count = QueueFiles.count
    guard message.descriptors.count == 2 * count else {
      throw LinkError(
        .badDescriptor, "hand-over: \(message.descriptors.count) descriptors came with the offer: must be \(2 * count)")
    }
    let transmit = try QueueFiles(takingOwnershipOf: Array(message.descriptors[..<count]), accepting: policy)
    message.descriptors.removeFirst(count)
    let receive = try QueueFiles(takingOwnershipOf: message.descriptors, accepting: policy)
    message.descriptors = []
    let queues = QueuePair(transmit: transmit, receive: receive)
    let byteCounts = queues.memoryByteCounts
    guard byteCounts == claimedByteCounts else {
      throw LinkError(
        .badDescriptor, "hand-over: the files have \(byteCounts) bytes, and the offer says \(claimedByteCounts)")
    }
    return queues
  }

  /// Tries until there is something, until the deadline.
  @discardableResult private static func wait<Value>(
    on socket: Int32, until deadline: UInt64, _ what: String, _ attempt: () throws(LinkError) -> Value?
  ) throws(LinkError) -> Value {
    while true {
      if let value = try attempt() { return value }
      let now = monotonicNanoseconds()
      if now >= deadline { throw timeout(what) }
      do { _ = try poll(socket, .input, nanoseconds: deadline - now) } catch { throw LinkError(error) }
    }
  }
}

extension SharedMemEndpoint {
  /// The receiver's end of a link, as the offer says: for `HandOver.accept`. Of the offloads in the options it uses those that
  /// were agreed on. Where a kind of segmentation is among them, the host cuts packets of up to 65536 bytes, or as many as the
  /// queues carry, or of the size in `options.segmentation`; where none is, those options hold as they are, segmentation by
  /// `software` too.
  /// Throws as the other initialiser, and `invalidArgument` where the offer and the options do not frame alike.
  public convenience init(
    _ offer: LinkOffer, queues: consuming QueuePair, peer: Int32, options: LinkOptions
  ) throws(LinkError) {
    try self.init(offer, as: offer.receiverRole, queues: queues, peer: peer, options: options)
  }

  /// The maker's end, as the offer says that `HandOver.offer` returned. As the receiver's.
  public convenience init(
    makerOf offer: LinkOffer, queues: consuming QueuePair, peer: Int32, options: LinkOptions
  ) throws(LinkError) {
    try self.init(
      offer, as: offer.receiverRole == .client ? .server : .client, queues: queues, peer: peer, options: options)
  }

  private convenience init(
    _ offer: LinkOffer, as role: Role, queues: consuming QueuePair, peer: Int32, options: LinkOptions
  ) throws(LinkError) {
    try offer.check(options)
    try QueueGeometry.validate(bufferByteCount: offer.bufferByteCount)
    let options = offer.applied(
      to: options, mostFrameByteCount: queues.mostFrameByteCount(cutInto: offer.bufferByteCount))
    try self.init(
      role, queues: queues, peer: peer, bufferByteCount: offer.bufferByteCount,
      hasVirtioNetHeader: offer.hasVirtioNetHeader, options: options)
  }
}
