/// Where a link is between its making and its end.
public enum LinkLifecycle: Equatable, Sendable, CustomStringConvertible {
  /// Nobody is attached.
  case idle
  case attached
  /// It is to end as soon as whoever drives it comes round.
  case closing(LinkCloseReason)
  case closed(LinkCloseReason)

  public var description: String {
    switch self {
    case .idle: "idle"
    case .attached: "attached"
    case .closing(let reason): "closing (\(reason))"
    case .closed(let reason): "closed (\(reason))"
    }
  }
}
