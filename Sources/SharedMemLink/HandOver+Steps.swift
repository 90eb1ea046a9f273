import LinkCore
import LinkSystem

/// The steps of a hand-over. None of them waits.
extension HandOver {
  /// Takes the peer's hello, and returns what it leaves of the offer; nil: it has not come yet. A peer of another version or
  /// role is told.
  static func takeHello(on socket: Int32, _ offer: LinkOffer) throws(LinkError) -> LinkOffer? {
    guard let message = try next(on: socket, "its hello") else { return nil }
    var verdict = HandOverMessage.Verdict.badOffer
    do throws(HandOverMessage.Problem) {
      let hello = try HandOverMessage.decodeHello(message.bytes)
      if message.isTruncated { throw .malformed }
      guard hello.role == offer.receiverRole else {
        verdict = .wrongRole
        throw .refused(.wrongRole)
      }
      return offer.agreed(with: hello.offloads)
    } catch {
      if case .version = error { verdict = .unknownVersion }
      try? tell(HandOverMessage.encode(verdict), on: socket)
      throw violation(error, "the peer's hello")
    }
  }

  static func send(_ queues: borrowing QueuePair, _ offer: LinkOffer, on socket: Int32) throws(LinkError) {
    let bytes = HandOverMessage.encode(offer, memoryByteCounts: queues.memoryByteCounts)
    do throws(SystemError) {
      try DescriptorMessage(bytes: bytes, descriptors: queues.descriptors).send(on: socket)
    } catch { throw LinkError(error, "hand-over: sending the queues") }
  }

  /// Takes the peer's answer; false: it has not come yet. Throws unless the peer accepts.
  static func takeAnswer(on socket: Int32) throws(LinkError) -> Bool {
    guard let message = try next(on: socket, "its answer") else { return false }
    do throws(HandOverMessage.Problem) {
      let verdict = try HandOverMessage.decodeAnswer(message.bytes)
      if message.isTruncated { throw .malformed }
      if verdict != .accepted { throw .refused(verdict) }
      return true
    } catch { throw violation(error, "the peer's answer") }
  }

  static func tell(_ bytes: [UInt8], on socket: Int32) throws(LinkError) {
    do throws(SystemError) { try DescriptorMessage(bytes: bytes).send(on: socket) } catch {
      throw LinkError(error, "hand-over")
    }
  }

  /// The next message, with room to tell a longer one from one that fits; nil: it has not come yet.
  static func next(
    on socket: Int32, _ what: String, keepsDescriptors: Bool = false
  ) throws(LinkError) -> DescriptorMessage? {
    do throws(SystemError) {
      let message = try DescriptorMessage.receive(
        on: socket, limit: 2 * HandOverMessage.offerByteCount, keepsDescriptors: keepsDescriptors)
      guard let message else { return nil }
      if message.bytes.isEmpty && message.descriptors.isEmpty {
        throw SystemError("the peer left before \(what)", SystemError.connectionReset)
      }
      return message
    } catch { throw LinkError(error, "hand-over") }
  }

  static func timeout(_ what: String) -> LinkError {
    LinkError(.timedOut, "hand-over: waiting for \(what)", systemError: SystemError.timedOut)
  }

  static func violation(_ problem: HandOverMessage.Problem, _ what: String) -> LinkError {
    let text =
      switch problem {
      case .notOurs: "\(what) is not of this protocol"
      case .version(let version): "\(what) is of version \(version), this side speaks \(HandOverMessage.version)"
      case .malformed: "\(what) is malformed"
      case .refused(let verdict): "the peer refuses: \(verdict.explanation)"
      }
    return LinkError(.protocolViolation, "hand-over: \(text)")
  }
}
