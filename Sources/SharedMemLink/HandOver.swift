import Eventfd
public import LinkCore
import LinkSystem

/// How queues get from the process that made them to the other: over a connected Unix seqpacket socket, in one message
/// with ten descriptors (SCM_RIGHTS), which the client answers. Afterwards the socket carries nothing more, and each end
/// keeps it as its peer descriptor.
public enum HandOver {
  /// Sends duplicates of the queues, and waits for the client's answer. The socket stays the caller's.
  /// Throws `timedOut`, `protocolViolation` when the client refuses or answers nonsense, `system`.
  public static func offer(
    _ queues: borrowing QueuePair, _ offer: LinkOffer, on socket: Int32, timeout: Duration = .seconds(5)
  ) throws(LinkError) {
    try LinkOptions.validate(mtu: offer.mtu)
    try QueueGeometry.validate(bufferByteCount: offer.bufferByteCount)
    do throws(SystemError) {
      try DescriptorMessage(bytes: HandOverMessage.encode(offer), descriptors: queues.descriptors).send(on: socket)
    } catch { throw LinkError(error, "hand-over: sending the queues") }
    var message = try nextMessage(on: socket, timeout, waitingFor: "the client's answer")
    // An answer carries no descriptors; what a peer sends all the same is not kept.
    let isWhole = message.descriptors.isEmpty && !message.isTruncated
    message.closeAll()
    let verdict: HandOverMessage.Verdict
    do throws(HandOverMessage.Problem) {
      guard isWhole else { throw .malformed }
      verdict = try HandOverMessage.decodeAnswer(message.bytes)
    } catch { throw violation(error, "the client's answer") }
    if verdict != .accepted {
      throw LinkError(.protocolViolation, "hand-over: the client refuses: \(verdict.explanation)")
    }
  }

  /// Receives queues, checks them and accepts. The socket stays the caller's.
  /// Throws `timedOut`, `protocolViolation` when the message is not an offer of this version, `badDescriptor` when the
  /// descriptors are no queues, `system`. Every descriptor that came is closed then, and the server is told.
  public static func accept(on socket: Int32, timeout: Duration = .seconds(5)) throws(LinkError) -> AcceptedOffer {
    var message = try nextMessage(on: socket, timeout, waitingFor: "the offer")
    var verdict = HandOverMessage.Verdict.badOffer
    do throws(LinkError) {
      let offer = try decode(message, &verdict)
      verdict = .badDescriptors
      let queues = try takeQueues(&message)
      try answer(.accepted, on: socket)
      return AcceptedOffer(offer: offer, queues: queues)
    } catch {
      message.closeAll()
      // The server's only hint; if it cannot be told it will see the end of the connection.
      try? answer(verdict, on: socket)
      throw error
    }
  }

  private static func decode(
    _ message: DescriptorMessage, _ verdict: inout HandOverMessage.Verdict
  ) throws(LinkError) -> LinkOffer {
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
  private static func takeQueues(_ message: inout DescriptorMessage) throws(LinkError) -> QueuePair {
    let count = QueueFiles.count
    guard message.descriptors.count == 2 * count else {
      throw LinkError(
        .badDescriptor, "hand-over: \(message.descriptors.count) descriptors came with the offer: must be \(2 * count)")
    }
    let transmit = try QueueFiles(takingOwnershipOf: Array(message.descriptors[..<count]))
    message.descriptors.removeFirst(count)
    let receive = try QueueFiles(takingOwnershipOf: message.descriptors)
    message.descriptors = []
    return QueuePair(transmit: transmit, receive: receive)
  }

  private static func answer(_ verdict: HandOverMessage.Verdict, on socket: Int32) throws(LinkError) {
    do throws(SystemError) {
      try DescriptorMessage(bytes: HandOverMessage.encode(verdict)).send(on: socket)
    } catch { throw LinkError(error, "hand-over: answering") }
  }

  private static func violation(_ problem: HandOverMessage.Problem, _ what: String) -> LinkError {
    let text =
      switch problem {
      case .notOurs: "\(what) is not of this protocol"
      case .version(let version): "\(what) is of version \(version), this side speaks \(HandOverMessage.version)"
      case .malformed: "\(what) is malformed"
      }
    return LinkError(.protocolViolation, "hand-over: \(text)")
  }

  /// The next message, with room to tell a longer one from one that fits.
  private static func nextMessage(
    on socket: Int32, _ timeout: Duration, waitingFor what: String
  ) throws(LinkError) -> DescriptorMessage {
    let deadline = monotonicNanoseconds() &+ timeout.clampedNanoseconds
    do throws(SystemError) {
      while true {
        if let message = try DescriptorMessage.receive(on: socket, limit: 64) {
          if message.bytes.isEmpty && message.descriptors.isEmpty {
            throw SystemError("hand-over: the peer left before \(what)", SystemError.connectionReset)
          }
          return message
        }
        let now = monotonicNanoseconds()
        if now >= deadline { throw SystemError("hand-over: waiting for \(what)", SystemError.timedOut) }
        _ = try poll(socket, .input, nanoseconds: deadline - now)
      }
    } catch {
      throw LinkError(error, code: error.number == SystemError.timedOut ? .timedOut : .system)
    }
  }
}

/// An offer that was accepted, and the queues that came with it.
public struct AcceptedOffer: ~Copyable, Sendable {
  public let offer: LinkOffer
  private let queues: QueuePair

  init(offer: LinkOffer, queues: consuming QueuePair) {
    self.offer = offer
    self.queues = queues
  }

  /// The queues, for an endpoint in the client's role.
  public consuming func takeQueues() -> QueuePair { queues }
}
