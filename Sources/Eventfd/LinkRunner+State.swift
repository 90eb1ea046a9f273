package import LinkCore
import LinkSystem

/// For people in front of a link that stands still.
extension LinkRunner {
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
