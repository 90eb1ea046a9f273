package import LinkCore
import LinkSystem

/// What phase the link is in.
extension LinkRunner {
  /// The error for a call that needs an attached link, when it is not.
  package func refusal() -> LinkError {
    state.withLock { state in
      switch state.phase {
      case .idle, .attached: LinkError(.notAttached, "link is not attached")
      case .closing(let reason, _), .closed(let reason): reason.error
      }
    }
  }

  /// Why the link is closed, or closing; nil: it is neither.
  package var closeReason: LinkCloseReason? {
    state.withLock { state in
      switch state.phase {
      case .idle, .attached: nil
      case .closing(let reason, _), .closed(let reason): reason
      }
    }
  }

  package var lifecycle: LinkLifecycle {
    state.withLock { state in
      switch state.phase {
      case .idle: .idle
      case .attached: .attached
      case .closing(let reason, _): .closing(reason)
      case .closed(let reason): .closed(reason)
      }
    }
  }

  /// Whether whoever drives the link waits for its bells. Nil: it is in a turn, perhaps inside a callback.
  package var isWaiting: Bool? { turnLock.withLockIfAvailable { $0.isArmed } }
}
