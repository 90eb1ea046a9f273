import Eventfd
public import LinkCore

extension SharedMemEndpoint {
  /// What it looks like inside right now: for people in front of a link that stands still. It waits for nobody and changes
  /// nothing. A part that is busy at this moment is nil; nil for long means somebody who does not come back, from a
  /// callback or from ringing a bell that the peer made blocking.
  public struct State: Sendable {
    public var role: Role
    public var lifecycle: LinkLifecycle
    /// Whether the driver waits for its bells; nil: it is in a turn.
    public var isWaiting: Bool?
    public var isPeerGone: Bool
    /// A write took fewer packets than it was given, and no room has been announced since.
    public var isRoomWanted: Bool
    public var sending: Sending?
    public var receiving: Receiving?

    public struct Sending: Sendable {
      /// Sent, and not known to be completed. Only a client is told.
      public var packetsUnderWay: Int?
      /// Buffers to send in: a client's own, or those that a server was given and has looked at.
      public var freeBuffers: Int
    }

    public struct Receiving: Sendable {
      /// Buffers that a client has posted and has not got back. A server posts none.
      public var postedBuffers: Int?
      /// Something has come and was not looked at yet.
      public var hasInput: Bool
      /// Posts or completions wait for room in their pipe: the peer does not take them.
      public var isBlocked: Bool
    }
  }

  public var state: State {
    State(
      role: role, lifecycle: runner.lifecycle, isWaiting: runner.isWaiting, isPeerGone: isPeerGone,
      isRoomWanted: room.isWanted, sending: sender.glance, receiving: receiver.glance)
  }
}

extension SharedMemEndpoint.State: CustomStringConvertible {
  /// One line.
  public var description: String {
    var parts = ["\(role) \(lifecycle)", isWaiting.map { $0 ? "waiting" : "between turns" } ?? "in a turn"]
    if isPeerGone { parts.append("peer gone") }
    if isRoomWanted { parts.append("wants room") }
    if let sending {
      if let count = sending.packetsUnderWay { parts.append("\(count) packets under way") }
      parts.append("\(sending.freeBuffers) buffers free")
    } else {
      parts.append("sender busy or released")
    }
    if let receiving {
      if let count = receiving.postedBuffers { parts.append("\(count) buffers posted") }
      if receiving.hasInput { parts.append("input waits") }
      // Before it is attached, a client has not posted anything yet.
      if receiving.isBlocked, lifecycle == .attached { parts.append("blocked by the peer's full pipe") }
    } else {
      parts.append("receiver busy or released")
    }
    return parts.joined(separator: ", ")
  }
}
