import Foundation
import LinkSystem

/// Networks for tests: each a namespace of its own, which nothing else of the process sees.
package enum TestNetwork {
  private final class Box<R: Sendable>: Sendable {
    let content = Lock<Result<R, any Error>?>(nil)
  }

  /// Runs `body` on a thread of its own in a network namespace of its own, without IPv6 unless asked for, so that nobody
  /// talks who was not told to. Returns what it returned. The namespace goes away with the last socket or device in it.
  package static func inNamespace<R: Sendable>(
    hasIPv6: Bool = false, _ body: @escaping @Sendable () throws -> R
  ) throws -> R {
    let box = Box<R>()
    let thread = try SystemThread(name: "test-netns") {
      let result = Result {
        try ProcessControl.enterNewNetworkNamespace()
        for name in ["all", "default"] where !hasIPv6 {
          // Absent where the kernel has no IPv6.
          let file = FileHandle(forWritingAtPath: "/proc/sys/net/ipv6/conf/\(name)/disable_ipv6")
          try file?.write(contentsOf: Data("1".utf8))
        }
        return try body()
      }
      box.content.withLock { $0 = result }
    }
    thread.join()
    return try box.content.withLock { $0! }.get()
  }

  /// Two Ethernet interfaces, `left` and `right` unless they get other names, in the namespace of the calling thread: what one sends the other receives.
  package static func makeInterfaces(_ first: String = "left", _ second: String = "right", mtu: Int = 1500) throws {
    try NetworkDevice.makePair(first, second)
    for name in [first, second] {
      try NetworkDevice.setMTU(name, mtu)
      try NetworkDevice.setUp(name)
    }
    // What is sent before the kernel has noticed that both are up is lost: try until a frame comes through, each way.
    let left = try PacketSocket.open(interface: first)
    let right = try PacketSocket.open(interface: second)
    let works = try eventually { passes(left, right) } && eventually { passes(right, left) }
    if !works { throw SystemError("interfaces \(first) and \(second)", SystemError.timedOut) }
  }

  private static func passes(_ sender: borrowing OwnedDescriptor, _ receiver: borrowing OwnedDescriptor) -> Bool {
    let frame = [UInt8](repeating: 0xff, count: 60)
    _ = InternetSocket.send(sender, frame.span)
    do { return try !poll(receiver.number, .input, nanoseconds: 1_000_000).isEmpty } catch { return false }
  }
}
