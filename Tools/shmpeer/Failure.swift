import LinkCore

/// How the tool ends. Scripts depend on the numbers.
enum ExitCode: Int32, Comparable {
  /// Done, and everything verified.
  case done = 0
  /// It ran, and something was lost, corrupt or timed out.
  case unverified = 1
  /// The command line makes no sense.
  case usage = 2
  /// A needed privilege, device or file is missing.
  case missing = 3
  /// The peer broke the protocol.
  case protocolViolation = 4

  static func < (a: ExitCode, b: ExitCode) -> Bool { a.rawValue < b.rawValue }
}

/// Why the tool gives up: one line for standard error, and the number to end with.
struct Failure: Error, Equatable {
  var code: ExitCode
  var message: String

  init(_ code: ExitCode, _ message: String) {
    self.code = code
    self.message = message
  }

  /// A link that could not be made, or a hand-over that went wrong. `advice`: what to do about it.
  init(_ error: LinkError, _ what: String? = nil, advice: String? = nil) {
    let code: ExitCode =
      switch error.code {
      case .protocolViolation: .protocolViolation
      case .timedOut, .closed: .unverified
      case .invalidArgument: .usage
      default: .missing
      }
    self.init(code, (what.map { "\($0): " } ?? "") + "\(error)" + (advice.map { "; \($0)" } ?? ""))
  }
}
