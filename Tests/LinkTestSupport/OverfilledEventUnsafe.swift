import Glibc
package import LinkSystem

/// An eventfd's counter at 2^64 - 1, one more than anybody can write: what a peer makes of it by asynchronous input that
/// rings an eventfd at its end (`io_submit(2)`, IOCB_FLAG_RESFD).
package enum OverfilledEvent {
  /// False where the kernel has no `io_setup`, or a sandbox refuses it.
  package static let isPossible: Bool = {
    do {
      let event = try EventCounter.create()
      return try make(event.number)
    } catch { return false }
  }()

  /// Overfills the counter of `event`, which stays as non-blocking as it is. False if that cannot be.
  @discardableResult package static func make(_ event: CInt) throws(SystemError) -> Bool {
    _ = try EventCounter.take(event)
    guard EventCounter.add(.max - 1, to: event) == 0, submitInput(ringing: event) else { return false }
    return try poll(event, [], nanoseconds: 5_000_000_000) == .error
  }

  private typealias SystemCall = @convention(c) (Int, UInt, UInt, UInt) -> Int

  /// Reads one byte of /dev/zero, and has the kernel ring `event` when it is there.
  private static func submitInput(ringing event: CInt) -> Bool {
    // SAFETY: both calls copy the names.
    let (symbol, file) = unsafe (dlsym(nil, "syscall"), open("/dev/zero", O_RDONLY | O_CLOEXEC))
    guard let symbol = unsafe symbol, file >= 0 else { return false }
    defer { close(file) }
    // SAFETY: syscall(2) takes a number and as many words as the call needs.
    let systemCall = unsafe unsafeBitCast(symbol, to: SystemCall.self)
    var (context, byte) = (UInt(0), UInt8(0))
    // SAFETY: the record has the kernel's layout (`struct iocb`), and the addresses in it are those of live locals. The
    // input is over when the context is gone.
    return unsafe withUnsafeMutablePointer(to: &byte) { byte in
      unsafe withUnsafeMutablePointer(to: &context) { context in
        guard systemCall(Call.setUp, 1, UInt(bitPattern: context), 0) == 0 else { return false }
        defer { _ = systemCall(Call.destroy, unsafe context.pointee, 0, 0) }
        var record: InlineArray<8, UInt64> = [
          0, 0, UInt64(file) << 32, UInt64(UInt(bitPattern: byte)), 1, 0, 0, 1 | UInt64(event) << 32,
        ]
        return unsafe withUnsafeMutablePointer(to: &record) { record in
          var list = UInt(bitPattern: record)
          return unsafe withUnsafeMutablePointer(to: &list) {
            systemCall(Call.submit, unsafe context.pointee, 1, UInt(bitPattern: $0)) == 1
          }
        }
      }
    }
  }

  private enum Call {
    #if arch(x86_64)
      static let (setUp, destroy, submit) = (206, 207, 209)
    #else
      static let (setUp, destroy, submit) = (0, 1, 2)
    #endif
  }
}
