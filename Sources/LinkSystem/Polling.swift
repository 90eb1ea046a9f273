import CLinkShims
import Glibc

/// The conditions that a wait asks for and reports. `poll(2)`.
package struct PollEvents: OptionSet, Sendable {
  package let rawValue: Int16
  package init(rawValue: Int16) { self.rawValue = rawValue }
  // Every wait asks it several times; the one that all option sets have is generic code.
  package var isEmpty: Bool { rawValue == 0 }

  package static let input = PollEvents(rawValue: Int16(POLLIN))
  package static let output = PollEvents(rawValue: Int16(POLLOUT))
  package static let peerShutdown = PollEvents(rawValue: LINK_POLLRDHUP)
  package static let hangUp = PollEvents(rawValue: Int16(POLLHUP))
  package static let error = PollEvents(rawValue: Int16(POLLERR))
  package static let invalid = PollEvents(rawValue: Int16(POLLNVAL))
  /// Reported whether asked for or not, except the first.
  package static let gone: PollEvents = [.peerShutdown, .hangUp, .error, .invalid]
}

/// A descriptor to wait on, and what came of it.
package struct PollEntry: Sendable {
  package var descriptor: CInt
  package var events: PollEvents
  package var reported = PollEvents(rawValue: 0)

  /// A negative descriptor is skipped by the kernel. Without events: the literal of an empty set would be made by
  /// generic code, some hundred instructions of it for each sleep.
  package init(_ descriptor: CInt, _ events: PollEvents = PollEvents(rawValue: 0)) {
    self.descriptor = descriptor
    self.events = events
  }
}

/// Waits until one of up to four entries has something to report, or the time is over.
/// `nanoseconds`: nil waits for ever. Returns false when the time was over or a signal came. `ppoll(2)`.
@discardableResult
package func poll(_ entries: inout InlineArray<4, PollEntry>, nanoseconds: UInt64?) throws(SystemError) -> Bool {
  var raw = InlineArray<4, pollfd> { index in
    pollfd(fd: entries[index].descriptor, events: entries[index].events.rawValue, revents: 0)
  }
  var span = raw.mutableSpan
  // SAFETY: the four records are a live local.
  let result = unsafe span.withUnsafeMutableBufferPointer { unsafe poll($0, nanoseconds: nanoseconds) }
  if result < 0 {
    let number = errno
    if number == EINTR { return false }
    throw SystemError("ppoll", number)
  }
  for index in raw.indices { entries[index].reported = PollEvents(rawValue: raw[index].revents) }
  return result > 0
}

/// The same for any number of entries; nothing but the end of the wait is reported.
package func poll(
  _ entries: [(descriptor: CInt, events: PollEvents)], nanoseconds: UInt64?
) throws(SystemError) {
  var list = PollList()
  for entry in entries { list.append(entry.descriptor, entry.events) }
  try list.wait(nanoseconds: nanoseconds)
}

/// Any number of entries in memory that serves wait after wait.
package struct PollList: Sendable {
  private var raw: [pollfd] = []

  package init() {}

  package mutating func removeAll() { raw.removeAll(keepingCapacity: true) }

  package mutating func append(_ descriptor: CInt, _ events: PollEvents) {
    raw.append(pollfd(fd: descriptor, events: events.rawValue, revents: 0))
  }

  /// As `poll`.
  package mutating func wait(nanoseconds: UInt64?) throws(SystemError) {
    // SAFETY: the array's own storage and count.
    let result = unsafe raw.withUnsafeMutableBufferPointer { unsafe poll($0, nanoseconds: nanoseconds) }
    if result < 0, errno != EINTR { throw SystemError("ppoll", errno) }
  }
}

@inline(__always)
private func poll(_ records: UnsafeMutableBufferPointer<pollfd>, nanoseconds: UInt64?) -> CInt {
  // SAFETY: the caller's records and their count; the time is a live local, or absent.
  guard let nanoseconds else { return unsafe link_ppoll(records.baseAddress, nfds_t(records.count), nil) }
  var time = timespec(tv_sec: Int(nanoseconds / 1_000_000_000), tv_nsec: Int(nanoseconds % 1_000_000_000))
  return unsafe link_ppoll(records.baseAddress, nfds_t(records.count), &time)
}

/// What is ready on one descriptor: waits as above.
package func poll(_ descriptor: CInt, _ events: PollEvents, nanoseconds: UInt64?) throws(SystemError) -> PollEvents {
  var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1))
  entries[0] = PollEntry(descriptor, events)
  try poll(&entries, nanoseconds: nanoseconds)
  return entries[0].reported
}
