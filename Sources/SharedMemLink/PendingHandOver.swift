import Eventfd
public import LinkCore
import LinkSystem

/// One hand-over of a `HandOverServer`, under way.
final class PendingHandOver {
  private enum Stage: ~Copyable {
    case awaitingHello
    case awaitingAnswer(QueuePair, LinkOffer)
    case over
  }

  /// For the next message.
  private(set) var deadline: UInt64
  private let timeout: UInt64
  let number: Int32
  private var connection: OwnedDescriptor?
  private var stage = Stage.awaitingHello
  /// The peer has not said anything yet.
  private(set) var isSilent = true

  init(_ connection: consuming OwnedDescriptor, timeout: Duration) {
    self.timeout = timeout.clampedNanoseconds
    deadline = monotonicNanoseconds() &+ self.timeout
    number = connection.number
    self.connection = consume connection
  }

  /// Goes as far as it can; nil: the peer has to go on. Throws when it is to be let go.
  func proceed(_ offer: LinkOffer, _ geometry: QueueGeometry) throws(LinkError) -> HandedOver? {
    if isSilent {
      guard let agreed = try HandOver.takeHello(on: number, offer) else { return try checkTime("the peer's hello") }
      isSilent = false
      deadline = monotonicNanoseconds() &+ timeout
      // Not before: a peer that says nothing costs a descriptor and no memory.
      do throws(LinkError) {
        let queues = try QueuePair.make(geometry)
        try HandOver.send(queues, agreed, on: number)
        stage = .awaitingAnswer(queues, agreed)
      } catch {
        // The peer's only hint that it is not to blame.
        try? HandOver.tell(HandOverMessage.encode(.failed), on: number)
        throw error
      }
    }
    guard try HandOver.takeAnswer(on: number) else { return try checkTime("the peer's answer") }
    var last = Stage.over
    swap(&last, &stage)
    guard case .awaitingAnswer(let queues, let agreed) = consume last, let connection = connection.take() else {
      return nil
    }
    return HandedOver(agreed, queues, connection)
  }

  private func checkTime(_ what: String) throws(LinkError) -> HandedOver? {
    if monotonicNanoseconds() >= deadline { throw HandOver.timeout(what) }
    return nil
  }
}

/// This side's half of a link that the peer has the other half of.
public struct HandedOver: ~Copyable, Sendable {
  /// As it was agreed on.
  public let offer: LinkOffer
  private let queues: QueuePair
  private var connection: OwnedDescriptor

  init(_ offer: LinkOffer, _ queues: consuming QueuePair, _ connection: consuming OwnedDescriptor) {
    self.offer = offer
    self.queues = queues
    self.connection = connection
  }

  /// The socket to the peer, which becomes the link's peer descriptor. It stays this value's.
  public var peer: Int32 { connection.number }

  /// Makes this side's end. `options.mtu` is this end's own affair; the peer was told the offer's.
  /// Throws as the endpoint's initialiser; the peer sees the end of the connection then.
  public consuming func makeLink(options: LinkOptions) throws(LinkError) -> SharedMemEndpoint {
    let link = try SharedMemEndpoint(makerOf: offer, queues: queues, peer: connection.number, options: options)
    // The link owns it now.
    _ = connection.release()
    return link
  }
}
