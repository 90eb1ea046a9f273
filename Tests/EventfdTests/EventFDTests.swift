import Eventfd
import Glibc
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct EventFDTests {
  @Test func `a new one is silent, close-on-exec and does not block`() throws {
    let event = try EventFD()
    #expect(fcntl(event.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(event.descriptor, F_GETFL) & O_NONBLOCK != 0)
    #expect(try event.read() == nil)
    #expect(try !event.poll())
  }

  @Test func `rings add up and one read takes them all`() throws {
    let event = try EventFD()
    for _ in 0..<3 { try event.notify() }
    #expect(try event.poll())
    #expect(try event.write(39))
    #expect(try event.read() == 42)
    #expect(try event.read() == nil)
    #expect(try !event.poll())
  }

  @Test func `a full counter is a bell that rings`() throws {
    let event = try EventFD()
    #expect(try event.write(.max - 1))
    try event.notify()
    #expect(try !event.write(1))
    #expect(try event.write(0))
    #expect(try event.read() == .max - 1)
    let error = #expect(throws: LinkError.self) { _ = try event.write(.max) }
    #expect(error?.code == .system && error?.systemError == EINVAL)
    #expect(try event.read() == nil)
  }

  @Test func `a read does not block though somebody cleared the flag`() throws {
    let event = try EventFD()
    let peer = try event.duplicate()
    _ = fcntl(peer.descriptor, F_SETFL, 0)
    #expect(try event.read() == nil)
    #expect(try !event.poll())
    try peer.notify()
    #expect(try event.read() == 1)
    #expect(try event.read() == nil)
  }

  @Test func `a ring of a full counter does not block though somebody cleared the flag`() throws {
    let event = try EventFD()
    let peer = try event.duplicate()
    #expect(try peer.write(.max - 1))
    _ = fcntl(peer.descriptor, F_SETFL, 0)
    try event.notify()
    #expect(try !event.write(1))
    #expect(try event.read() == .max - 1)

    #expect(try peer.write(.max - 2))
    _ = fcntl(peer.descriptor, F_SETFL, 0)
    #expect(try !event.write(2))
    #expect(try event.read() == .max - 2)
  }

  @Test(.enabled(if: OverfilledEvent.isPossible))
  func `a counter that the kernel overfilled for a peer is full, and blocks nobody`() throws {
    for value: UInt64 in [0, 1, 2] {
      let event = try EventFD()
      let number = event.descriptor
      try OverfilledEvent.make(number)
      _ = fcntl(number, F_SETFL, 0)
      #expect(try inThread { EventCounter.add(value, to: number) } == -EventCounter.full, "a write of \(value)")
      EventCounter.takeIfFull(number)
      #expect(try event.read() == nil)
    }
  }

  @Test func `a duplicate is the same bell`() throws {
    let event = try EventFD()
    let other = try event.duplicate()
    #expect(event.descriptor != other.descriptor)
    #expect(fcntl(other.descriptor, F_GETFD) & FD_CLOEXEC != 0)
    try other.notify()
    #expect(try event.read() == 1)
    other.close()
    try event.notify()
    #expect(try event.read() == 1)
  }

  @Test func `an adopted one is made to fit`() throws {
    let number = try EventFD().release()
    _ = fcntl(number, F_SETFL, 0)
    _ = fcntl(number, F_SETFD, 0)
    let event = try EventFD(takingOwnershipOf: number)
    #expect(event.descriptor == number)
    #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
    #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
  }

  @Test func `what is no event descriptor is refused and stays its owner's`() throws {
    let sockets = try UnixSocket.pair(.seqpacket)
    let memory = try OwnedDescriptor.sealedMemory(name: "test", byteCount: 4096)
    let signals = try ProcessControl.signalDescriptor([])
    for number in [sockets.first.number, memory.number, signals.number] {
      let error = #expect(throws: LinkError.self) { _ = try EventFD(takingOwnershipOf: number) }
      #expect(error?.code == .badDescriptor)
      #expect(error?.operation.contains("\(number)") == true)
      #expect(fcntl(number, F_GETFD) != -1)
    }
    for number in [-1, CInt.max] {
      let error = #expect(throws: LinkError.self) { _ = try EventFD(takingOwnershipOf: number) }
      #expect(error?.code == .badDescriptor && error?.systemError == EBADF)
    }
  }

  @Test func `a wait ends by its bell, by the other, and by time`() throws {
    let event = try EventFD()
    let stop = try EventFD()
    #expect(try event.wait(stop: stop, timeout: .zero) == .timedOut)
    #expect(try event.wait(stop: stop, timeout: .seconds(-1)) == .timedOut)
    #expect(try event.wait(stop: stop, timeout: .milliseconds(3)) == .timedOut)
    try event.notify()
    #expect(try event.wait(stop: stop) == .notified)
    #expect(try event.wait(stop: stop, timeout: .seconds(Int64.max)) == .notified)
    try stop.notify()
    #expect(try event.wait(stop: stop) == .stopped)
    #expect(try event.read() == 1)
    #expect(try event.wait(stop: stop) == .stopped)
  }

  @Test func `a ring from another thread ends a wait`() throws {
    let event = try EventFD()
    let stop = try EventFD()
    let other = try event.duplicate().release()
    let thread = try SystemThread(name: "ring") {
      do { try EventFD(takingOwnershipOf: other).notify() } catch { Issue.record(error) }
    }
    #expect(try event.wait(stop: stop, timeout: .seconds(30)) == .notified)
    thread.join()
  }

  @Test func `durations become nanoseconds that a wait can take`() {
    #expect(Duration.zero.clampedNanoseconds == 0)
    #expect(Duration.nanoseconds(1).clampedNanoseconds == 1)
    #expect((Duration.seconds(2) + .nanoseconds(5)).clampedNanoseconds == 2_000_000_005)
    #expect(Duration.nanoseconds(-1).clampedNanoseconds == 0)
    #expect(Duration.seconds(Int64.min).clampedNanoseconds == 0)
    #expect(Duration.seconds(Int64.max).clampedNanoseconds == 1 << 62)
  }

  @Test func `descriptors are closed by every way out`() async {
    await #expect(processExitsWith: .success) {
      let before = try ResourceSnapshot.baseline()
      for _ in 0..<50 {
        let event = try EventFD()
        let second = try event.duplicate()
        second.close()
        let third = try EventFD(takingOwnershipOf: event.duplicate().release())
        try third.notify()
        #expect(throws: LinkError.self) { _ = try EventFD(takingOwnershipOf: -1) }
      }
      let after = try ResourceSnapshot()
      try #require(after.excess(over: before) == [], "\(after.excess(over: before))")
    }
  }
}
