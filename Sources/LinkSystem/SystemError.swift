import Glibc

/// What the kernel refused: the call and its errno. A struct around the number, because an enum could not
/// hold a value that a later kernel adds.
package struct SystemError: Error, Equatable, CustomStringConvertible {
  /// The name of the system call, as in its manual page.
  package let operation: String
  /// The raw errno.
  package let number: CInt

  package init(_ operation: String, _ number: CInt) {
    self.operation = operation
    self.number = number
  }

  // For checks of our own that the kernel would answer so.
  package static let notSocket = ENOTSOCK
  package static let timedOut = ETIMEDOUT
  package static let connectionReset = ECONNRESET

  package var description: String { "\(operation): \(errorMessage(number))" }
}

/// The kernel's text for an errno, with its number.
package func errorMessage(_ number: CInt) -> String {
  // SAFETY: strerror's text for a known number is constant storage of libc, and glibc's
  // buffer for an unknown one is the calling thread's own.
  let message = unsafe String(cString: strerror(number))
  return "\(message) (errno \(number))"
}

/// Runs a call that reports failure as -1 and errno; retries when a signal interrupted it.
@inline(__always)
package func systemCall<Result: FixedWidthInteger>(
  _ operation: @autoclosure () -> String, _ body: () -> Result
) throws(SystemError) -> Result {
  while true {
    let result = body()
    if result != -1 { return result }
    let number = errno
    if number != EINTR { throw SystemError(operation(), number) }
  }
}

/// Runs a call of the data path: a result from 0 up is its count, a negative one is minus errno, as the kernel
/// itself returns it. Interruptions are retried.
@inline(__always)
package func dataCall(_ body: () -> Int) -> Int {
  while true {
    let result = body()
    if result >= 0 { return result }
    let number = errno
    if number != EINTR { return -Int(number) }
  }
}
