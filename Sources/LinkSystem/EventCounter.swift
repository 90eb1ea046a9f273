import CLinkShims
import Glibc

/// The system calls of an eventfd. What they mean is EventFD's business.
package enum EventCounter {
  /// A counter at 0, non-blocking and close-on-exec. `eventfd(2)`.
  package static func create() throws(SystemError) -> OwnedDescriptor {
    let flags = LINK_EFD_CLOEXEC | LINK_EFD_NONBLOCK
    return OwnedDescriptor(owning: try systemCall("eventfd") { link_eventfd(0, flags) })
  }

  /// Minus this is what `add` returns when the sum would pass 2^64 - 2.
  package static let full = Int(EAGAIN)

  /// Adds to the counter. Returns 0, or minus errno.
  ///
  /// The kernel has no write to an eventfd that is non-blocking by itself, as it has a read. So this looks for room
  /// first: a counter that is full stays a bell that rings, even if somebody who shares the open file made it blocking.
  /// What is left is a peer that fills it between the look and the write.
  package static func add(_ value: UInt64, to number: CInt) -> Int {
    var value = value
    do throws(SystemError) {
      let events = try poll(number, .output, nanoseconds: 0)
      // Nothing at all fits always, but into a counter that was overfilled.
      if isOverfilled(events) || (events.isEmpty && value > 0) { return -full }
      // Room for one is not room for more.
      if value > 1 { _ = fcntl(number, F_SETFL, O_NONBLOCK) }
    } catch { return -Int(error.number) }

    // SAFETY: an eventfd takes exactly eight bytes, the size of the live local.
    let result = dataCall { unsafe write(number, &value, 8) }
    return min(result, 0)
  }

  /// Takes the counter's value, leaving 0. Nil when it was 0. Never blocks, even if somebody who shares the open file
  /// made it blocking: RWF_NOWAIT binds this one call.
  package static func take(_ number: CInt) throws(SystemError) -> UInt64? {
    var value: UInt64 = 0
    // SAFETY: an eventfd gives exactly eight bytes, the size of the live local.
    let result = dataCall { unsafe link_read_nowait(number, &value, 8) }
    if result == 8 { return value }
    if result == -Int(EAGAIN) { return nil }
    throw SystemError("read", result < 0 ? CInt(-result) : EIO)
  }

  /// Takes the value of a full counter: whoever is held up in `add` goes on, unless somebody fills it again first.
  package static func takeIfFull(_ number: CInt) {
    do throws(SystemError) {
      let events = try poll(number, .output, nanoseconds: 0)
      if events.isEmpty || isOverfilled(events) { _ = try take(number) }
    } catch {
      // No eventfd any more: it holds nobody up.
    }
  }

  /// What the kernel itself adds, as for a peer's `io_submit` with IOCB_FLAG_RESFD, goes up to 2^64 - 1. A poll reports
  /// that as an error, and not even a write of 0 fits.
  private static func isOverfilled(_ events: PollEvents) -> Bool { events == .error }

  /// Whether the descriptor is an eventfd, and not in semaphore mode, as far as /proc tells. Where /proc is not mounted
  /// only the kind of file is known: an anonymous one.
  package static func isCounter(_ number: CInt) throws(SystemError) -> Bool {
    guard try OwnedDescriptor.status(of: number).kind == .anonymous else { return false }
    guard let info = readSmallFile("/proc/self/fdinfo/\(number)") else { return true }
    return info.contains("eventfd-count:") && !info.contains("eventfd-semaphore: 1")
  }

  private static func readSmallFile(_ path: String) -> String? {
    // SAFETY: the call copies the path; the buffer below is read into within its size.
    let descriptor = unsafe open(path, O_RDONLY | O_CLOEXEC)
    guard descriptor >= 0 else { return nil }
    let file = OwnedDescriptor(owning: descriptor)
    var text = [UInt8](repeating: 0, count: 4096)
    let count = unsafe text.withUnsafeMutableBytes { buffer in
      dataCall { unsafe read(file.number, buffer.baseAddress, buffer.count) }
    }
    return count > 0 ? String(decoding: text[..<count], as: UTF8.self) : nil
  }
}
