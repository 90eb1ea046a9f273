import LinkSystem

/// Joins two links: what one delivers, the other sends. Frames cross as they are between links of one framing; between an
/// Ethernet and an IP link the link header is taken off or put on, and only IPv4 and IPv6 cross.
///
/// What the other side has no room for is kept, in order, up to a bound. Kept packets stay out of the pool that they came
/// from: a source whose pool is smaller than the bound (the pool that a link makes for itself is) stands still until the
/// other side has room, and its own senders feel it. With a larger pool packets are dropped, and counted as `noRoom`.
///
/// When one side ends, the other is closed as soon as it has taken what was delivered before; at once, if the end was
/// requested.
///
/// The links may have a thread each, or one for both: make them with `LinkOptions.Drive.caller`, and give them to a
/// `LinkLoop` of the module Eventfd.
///
/// Close it when done: a started bridge goes on even when nobody holds it.
public final class LinkBridge: Sendable {
  /// The two links, by their position in the initialiser.
  public enum Side: Sendable { case a, b }

  public struct Options: Sendable {
    /// How many packets may wait in each direction, behind the batch that is being sent. 1 or more.
    public var backlogCapacity = 256
    /// The destination of frames to an Ethernet link `a` that came without a link header; nil: broadcast.
    public var remoteAddressOfA: LinkAddress?
    /// The same to link `b`.
    public var remoteAddressOfB: LinkAddress?

    public init() {}
  }

  /// Which side ended first, and why.
  public struct Ending: Equatable, Sendable {
    public var side: Side
    public var reason: LinkCloseReason

    public init(side: Side, reason: LinkCloseReason) {
      self.side = side
      self.reason = reason
    }
  }

  /// What went in one direction. Everything that was delivered is a packet (the other link took it), a drop, or waits.
  public struct Flow: Equatable, Sendable {
    public var tally: LinkTally
    /// Packets that wait for room.
    public var backlog: Int
  }

  private let joint: BridgeJoint

  /// The bridge does nothing until it is started. Traps when the backlog's capacity is not positive.
  public init(_ a: any LinkEndpoint, _ b: any LinkEndpoint, options: Options = Options()) {
    joint = BridgeJoint(a, b, options)
  }

  /// Attaches to both links. Nothing that arrives from now on is lost, nor what waited.
  /// Throws what `attach` throws: then neither is attached, and what one delivered meanwhile waits in the bridge.
  public func start() throws(LinkError) {
    try joint.a.attach(BridgePort(joint, .a))
    do { try joint.b.attach(BridgePort(joint, .b)) } catch {
      joint.a.detach()
      throw error
    }
    // The first link may have delivered before the second was attached.
    joint.aToB.flush()
    joint.bToA.flush()
  }

  /// Closes both links. Idempotent, from any thread.
  public func close() {
    joint.a.close()
    joint.b.close()
  }

  /// Waits until both links are closed.
  /// Throws `wouldDeadlock` from inside a callback of one of them.
  public func wait() throws(LinkError) {
    try joint.a.wait()
    try joint.b.wait()
  }

  /// Which side ended first; nil while none has.
  public var ending: Ending? { joint.ending.withLock { $0 } }
  /// What went from `a` to `b`.
  public var flowFromA: Flow { joint.aToB.flow }
  /// What went from `b` to `a`.
  public var flowFromB: Flow { joint.bToA.flow }
}

/// What the ports of a bridge share. It holds the links, and they hold it, from `start` until they are closed.
private final class BridgeJoint: Sendable {
  let a: any LinkEndpoint
  let b: any LinkEndpoint
  let aToB: BridgeDirection
  let bToA: BridgeDirection
  let ending = Lock<LinkBridge.Ending?>(nil)

  init(_ a: any LinkEndpoint, _ b: any LinkEndpoint, _ options: LinkBridge.Options) {
    self.a = a
    self.b = b
    func direction(_ source: any LinkEndpoint, _ target: any LinkEndpoint, _ remote: LinkAddress?) -> BridgeDirection {
      let translation: BridgeDirection.Translation =
        switch (source.hardwareType, target.hardwareType) {
        case (.ethernet, .none): .removeHeader
        case (.none, .ethernet): .addHeader(destination: remote)
        default: .none
        }
      return BridgeDirection(to: target, translation, backlogCapacity: options.backlogCapacity)
    }
    aToB = direction(a, b, options.remoteAddressOfB)
    bToA = direction(b, a, options.remoteAddressOfA)
  }

  func ended(_ side: LinkBridge.Side, _ reason: LinkCloseReason) {
    ending.withLock { if $0 == nil { $0 = LinkBridge.Ending(side: side, reason: reason) } }
    let (from, to, other) = side == .a ? (aToB, bToA, b) : (bToA, aToB, a)
    to.targetClosed()
    if reason == .requested { other.close() } else { from.sourceEnded() }
  }
}

/// The dispatcher of one side.
private final class BridgePort: LinkDispatcher {
  private let joint: BridgeJoint
  private let side: LinkBridge.Side
  private let outgoing: BridgeDirection
  private let incoming: BridgeDirection

  init(_ joint: BridgeJoint, _ side: LinkBridge.Side) {
    self.joint = joint
    self.side = side
    (outgoing, incoming) = side == .a ? (joint.aToB, joint.bToA) : (joint.bToA, joint.aToB)
  }

  func deliverPackets(_ packets: inout PacketBatch) { outgoing.deliver(&packets) }
  func linkHasRoom() { incoming.flush() }
  func linkDidClose(_ reason: LinkCloseReason) { joint.ended(side, reason) }
}
