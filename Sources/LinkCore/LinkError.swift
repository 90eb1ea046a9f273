package import LinkSystem

/// Why a call on a link failed: what went wrong, in which operation, and the kernel's number if it was the kernel's word.
public struct LinkError: Error, Equatable, Sendable {
  /// The kind of failure. A struct, so that a later version can add one without breaking a `switch`.
  public struct Code: Hashable, Sendable {
    let name: String
    init(_ name: String) { self.name = name }

    /// No room now: the packets were not taken. The dispatcher's `linkHasRoom()` follows.
    public static let wouldBlock = Code("would block")
    /// The link is not attached: nothing is sent or delivered.
    public static let notAttached = Code("not attached")
    /// The link has a dispatcher already; detach it first.
    public static let alreadyAttached = Code("already attached")
    /// The link is closed, or closing.
    public static let closed = Code("closed")
    /// A wait for the link's own end from inside one of its callbacks would never return.
    public static let wouldDeadlock = Code("would deadlock")
    /// An option, size or address that cannot be: the message says which and what would do.
    public static let invalidArgument = Code("invalid argument")
    /// A descriptor that is not what it has to be.
    public static let badDescriptor = Code("bad descriptor")
    /// The peer did not keep to the protocol.
    public static let protocolViolation = Code("protocol violation")
    /// The peer did not answer in time.
    public static let timedOut = Code("timed out")
    /// The kernel refused; `systemError` says how.
    public static let system = Code("system error")
  }

  public let code: Code
  /// What was being done, on what, and what to do about it.
  public let operation: String
  /// The errno, when the kernel refused.
  public let systemError: Int32?

  public init(_ code: Code, _ operation: String, systemError: Int32? = nil) {
    self.code = code
    self.operation = operation
    self.systemError = systemError
  }

  /// The kernel refused `error.operation`. `context` says what that was for.
  package init(_ error: SystemError, _ context: String? = nil, code: Code = .system) {
    self.init(code, [context, error.operation].compactMap(\.self).joined(separator: ": "), systemError: error.number)
  }
}

extension LinkError: CustomStringConvertible {
  public var description: String {
    switch systemError {
    case nil: "\(operation) (\(code.name))"
    case .some(let number): "\(operation): \(errorMessage(number))"
    }
  }
}
