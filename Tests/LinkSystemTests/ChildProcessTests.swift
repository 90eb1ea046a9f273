import Glibc
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct ChildProcessTests {
  @Test func `a child's ending is reported`() throws {
    let good = try ChildProcess(["/bin/sh", "-c", "exit 0"]).wait()
    #expect(good == .exited(0))
    let bad = try ChildProcess(["/bin/sh", "-c", "exit 77"]).wait()
    #expect(bad == .exited(77))
    let killed = try ChildProcess(["/bin/sh", "-c", "kill -9 $$"]).wait()
    #expect(killed == .killed(signal: 9))
    let child = try ChildProcess(["/bin/cat", "/dev/zero"], descriptors: [])
    child.signal(SIGTERM)
    let terminated = child.wait()
    #expect(terminated == .killed(signal: Int(SIGTERM)))
  }

  @Test func `a program that is not there is an error`() {
    let error = #expect(throws: SystemError.self) { _ = try ChildProcess(["/nonexistent/program"]).wait() }
    #expect(error?.number == ENOENT)
    #expect(error?.operation.contains("/nonexistent/program") == true)
  }

  @Test func `descriptors arrive under the numbers that were asked for`() throws {
    let pair = try UnixSocket.pair(.stream)
    let child = try ChildProcess(["/bin/sh", "-c", "echo here >&7"], descriptors: [(pair.first.number, 7)])
    #expect(child.wait() == .exited(0))
    #expect(try text(pair.second) == "here\n")
  }

  @Test func `sources and targets may overlap, also in a circle`() throws {
    let first = try UnixSocket.pair(.stream)
    let second = try UnixSocket.pair(.stream)
    let (a, b) = (first.first.number, second.first.number)
    let child = try ChildProcess(["/bin/bash", "-c", "echo a >&\(b); echo b >&\(a)"], descriptors: [(a, b), (b, a)])
    #expect(child.wait() == .exited(0))
    #expect(try text(first.second) == "a\n")
    #expect(try text(second.second) == "b\n")
  }

  @Test(arguments: [900, 901, 5000] as [CInt])
  func `high numbers are sources and targets like others`(number: CInt) throws {
    let first = try UnixSocket.pair(.stream)
    let second = try UnixSocket.pair(.stream)
    // Duplicates at the number or above, as a process with many files has them.
    let high = [
      OwnedDescriptorBox(fcntl(first.first.number, F_DUPFD_CLOEXEC, number)),
      OwnedDescriptorBox(fcntl(second.first.number, F_DUPFD_CLOEXEC, number)),
    ]
    let child = try withExtendedLifetime(high) {
      try ChildProcess(
        ["/bin/sh", "-c", "echo a >&7; echo b >&8"], descriptors: [(high[1].number, 8), (high[0].number, 7)])
    }
    #expect(child.wait() == .exited(0))
    #expect(try text(first.second) == "a\n")
    #expect(try text(second.second) == "b\n")
  }

  @Test func `nothing else is inherited`() throws {
    let pair = try UnixSocket.pair(.stream)
    let secret = try OwnedDescriptor.sealedMemory(name: "secret", byteCount: 4096)
    let child = try ChildProcess(["/bin/sh", "-c", "ls -l /proc/self/fd >&7"], descriptors: [(pair.first.number, 7)])
    #expect(child.wait() == .exited(0))
    let list = try text(pair.second)
    #expect(list.contains("7 -> socket:"))
    #expect(!list.contains("secret"))
    _ = secret.number
  }

  /// A descriptor that can stand in an array.
  private final class OwnedDescriptorBox {
    let file: OwnedDescriptor
    var number: CInt { file.number }
    init(_ number: CInt) { file = OwnedDescriptor(owning: number) }
  }

  private func text(_ socket: borrowing OwnedDescriptor) throws -> String {
    let message = try DescriptorMessage.receive(on: socket.number, limit: 4096)
    return String(decoding: message?.bytes ?? [], as: UTF8.self)
  }
}
