import FDLink
import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// What crosses between two devices, each joined by a process of its own to one link in shared memory, as a capture shows
/// it that is taken where nobody is left who would still compute a checksum.
///
/// On the receiving device of such a link packets rightly lie without their checksums: the kernel was told so. Therefore
/// its namespace forwards them to a device without virtio-net headers. There the kernel has to cut and to compute, from what
/// the link told it: from wrong facts come wrong checksums. Whatever came finished is forwarded as it is.
@Suite(
  .serialized, .enabled(if: isPrivileged && Capture.isPossible, "needs root, /dev/net/tun, dumpcap and tshark"))
struct CaptureTests {
  struct Case: Sendable, CustomStringConvertible {
    var senderLeavesOut = false
    var receiverLeavesOut = false
    var senderServes = true
    var description: String {
      "sender \(senderLeavesOut ? "without" : "with") offloads, receiver \(receiverLeavesOut ? "without" : "with"), "
        + (senderServes ? "the sender serves" : "the receiver serves")
    }
  }

  static let cases = [
    Case(), Case(senderServes: false), Case(senderLeavesOut: true), Case(receiverLeavesOut: true),
    Case(receiverLeavesOut: true, senderServes: false), Case(senderLeavesOut: true, receiverLeavesOut: true),
  ]

  private static let byteCount = 1_500_000

  @Test(arguments: cases) func `a capture behind a link shows right checksums only`(_ example: Case) throws {
    let path = try OffloadPath(example)
    #expect(try path.transfers(Self.byteCount, isIPv6: false) && path.transfers(Self.byteCount, isIPv6: true))
    #expect(try path.sendDatagrams(20))
    let frames = try path.end()
    print("\(example): \(frames.count) frames")
    let wrong = frames.filter { !$0.isRight }
    #expect(wrong.isEmpty, "\(wrong.count) of \(frames.count), first \(wrong.prefix(3))")
    #expect(frames.allSatisfy { $0.byteCount <= 1500 })
    for version in [4, 6] {
      // On a busy machine some may be missing in the capture.
      #expect(frames.count { $0.version == version && $0.byteCount == 1500 } > Self.byteCount / 1500 * 9 / 10)
    }
    #expect(frames.count { $0.isUDP } == 21)
  }
}

private let isPrivileged = geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/net/tun")
