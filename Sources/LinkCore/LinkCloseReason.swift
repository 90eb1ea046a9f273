/// Why a link came to its end. Its description is what tools print and scripts match.
public enum LinkCloseReason: Equatable, Sendable, CustomStringConvertible {
  /// `close()` was called on this side.
  case requested
  /// The other process closed its end or died.
  case peerDisconnected
  /// It could not go on: the kernel refused, or the peer broke the protocol.
  case failed(LinkError)

  public var description: String {
    switch self {
    case .requested: "requested"
    case .peerDisconnected: "peer-disconnected"
    case .failed(let error): "failed: \(error)"
    }
  }

  /// The error that a call on the closed link throws.
  package var error: LinkError { LinkError(.closed, "link is closed (\(self))") }
}
