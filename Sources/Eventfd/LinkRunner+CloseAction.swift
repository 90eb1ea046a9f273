import LinkSystem

/// What the owner wants done when the link is closed.
extension LinkRunner {
  struct CloseAction {
    private var action: (@Sendable () -> Void)?
    private var isOver = false

    /// Keeps an action in place of the one before. Returns what to let go, and whether it is too late to keep one.
    mutating func replace(_ new: (@Sendable () -> Void)?) -> (old: (@Sendable () -> Void)?, isOver: Bool) {
      if isOver { return (nil, true) }
      defer { action = new }
      return (action, false)
    }

    /// The link is closed: whoever sets an action now runs it.
    mutating func end() -> (@Sendable () -> Void)? {
      isOver = true
      return action.take()
    }
  }

  /// As `LinkEndpoint.setCloseAction`.
  package func setCloseAction(_ action: (@Sendable () -> Void)?) {
    // What the old one holds may call this link as it goes: not under the lock.
    let (old, isOver) = state.withLock { $0.closeAction.replace(action) }
    withExtendedLifetime(old) {}
    if isOver { action?() }
  }
}
