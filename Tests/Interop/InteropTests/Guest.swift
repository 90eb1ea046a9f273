import Foundation
import InteropSupport
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

extension Trait where Self == ConditionTrait {
  static var needsDevices: Self {
    .enabled(
      if: geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/net/tun"), "needs root and /dev/net/tun")
  }
}

/// gVisor's network stack in a process of its own.
struct Guest: Sendable {
  static let addresses = ["10.6.0.2", "fd06::2"]
  private static let first: CInt = 10

  let process: Peer

  /// With inherited descriptors: those of the queues, and the guest's end of the peer socket.
  init(queues: [CInt], peer: CInt, _ arguments: [String] = []) throws {
    let numbers = (0..<11).map { Self.first + $0 }
    let list = { (part: Range<Int>) in numbers[part].map(String.init).joined(separator: ",") }
    process = try Peer(
      Self.words + ["--tx-fds", list(0..<5), "--rx-fds", list(5..<10), "--peer-fd", "\(numbers[10])"] + arguments,
      descriptors: zip(queues + [peer], numbers).map { (here: $0, there: $1) }, executable: GvisorPeer.path())
  }

  /// On a socket that keeps packet boundaries.
  init(link: CInt, _ arguments: [String] = []) throws {
    process = try Peer(
      Self.words + ["--fd", "\(Self.first)"] + arguments, descriptors: [(here: link, there: Self.first)],
      executable: GvisorPeer.path())
  }

  /// With what a server at this socket hands over.
  init(socket: String, _ arguments: [String] = []) throws {
    process = try Peer(Self.words + ["--socket", socket] + arguments, executable: GvisorPeer.path())
  }

  private static let words = [
    "stack", "--addresses", addresses.map { $0 + ($0.contains(":") ? "/64" : "/24") }.joined(separator: ","),
  ]

  /// Whether its servers run by the deadline.
  func isUp() throws -> Bool { try eventually { process.messagesSoFar.contains("the stack is up") } }
}

/// What a guest's stack says at its end.
struct GuestReport: Sendable {
  let outcome: Peer.Outcome
  /// How its own end of the link was.
  var faults: [String] {
    var faults = ["too_large", "bad_checksums", "malformed"].filter { outcome.number($0) != 0 }
    if outcome.ending != .exited(0) { faults.append("\(outcome)") }
    return faults
  }
}

extension Peer.Outcome {
  /// The host did all that it wanted, and had to ask nothing twice once the guest had answered.
  var isGoodTalk: Bool {
    ending == .exited(0) && number("repeated_pings") == 0 && number("repeated_datagrams") == 0
  }
}

/// The host's side of a guest: a TUN device in the network namespace of the calling thread, and what runs there.
enum Host {
  static let device = "guest0"
  static let addresses = ["10.6.0.1", "fd06::1"]

  static func configure(mtu: Int = 1500) throws {
    try NetworkDevice.setMTU(device, mtu)
    try NetworkDevice.setAddress(device, ipv4: [10, 6, 0, 1], prefixLength: 24)
    try NetworkDevice.setUp(device)
    try NetworkDevice.addAddress(
      device, ipv6: [0xfd, 6] + [UInt8](repeating: 0, count: 13) + [1], prefixLength: 64)
  }

  /// Whether somebody listens at the TCP port, by the deadline. State 0A of IPv6 sockets.
  static func isListening(at port: UInt16) throws -> Bool {
    let digits = String(port, radix: 16, uppercase: true)
    return try eventually {
      try table("tcp6").contains { words in words.count > 3 && words[1].hasSuffix(":" + digits) && words[3] == "0A" }
    }
  }

  /// How many packets came through the device to the host.
  static func packetCount() throws -> Int {
    try table("dev").first { $0.first == device + ":" }.flatMap { $0.count > 2 ? Int($0[2]) : nil } ?? 0
  }

  private static func table(_ name: String) throws -> [[String]] {
    let data = try FileHandle(forReadingFrom: URL(filePath: "/proc/thread-self/net/\(name)")).readToEnd() ?? Data()
    return String(decoding: data, as: UTF8.self).split(separator: "\n").map {
      $0.split(separator: " ").map(String.init)
    }
  }

  /// Talks to the guest through the kernel's own stack: pings, `byteCount` bytes over TCP to the echo server and back, and
  /// datagrams of all sizes.
  static func talk(to address: String, byteCount: Int) throws -> Peer.Outcome {
    try startTalk(to: address, byteCount: byteCount).wait(deadline: deadline(after: .seconds(110)))
  }

  static func startTalk(to address: String, byteCount: Int) throws -> Peer {
    // The largest datagram of IPv4.
    let sizes = "1,100,1472,1473,9000,60000,65507"
    return try Peer(
      ["host", address, "--ping", "5", "--tcp", "\(byteCount)", "--udp", sizes, "--timeout", "100s"],
      executable: GvisorPeer.path())
  }

  static func stream(to address: String, byteCount: Int) throws -> Peer {
    try Peer(["host", address, "--tcp", "\(byteCount)"], executable: GvisorPeer.path())
  }
}

/// A guest on a link of this process, joined to the device.
final class Sandbox: Sendable {
  let bridge: LinkBridge
  let guest: Guest

  /// In the network namespace of the calling thread.
  init(mtu: Int = 1500, _ arguments: [String] = []) throws {
    let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
    let hostsEnd = OwnedDescriptor(owning: sockets[0])
    let guestsEnd = OwnedDescriptor(owning: sockets[1])
    var guest: Guest?
    bridge = try joinGuest(to: Host.device, mtu: mtu, peer: hostsEnd.number) { queues in
      try Host.configure(mtu: mtu)
      guest = try Guest(queues: queues, peer: guestsEnd.number, ["--mtu", "\(mtu)"] + arguments)
    }
    // The link's from here on.
    _ = hostsEnd.release()
    self.guest = guest!
    try bridge.start()
  }

  /// Ends the link, and with it the guest.
  func end() throws -> GuestReport {
    bridge.close()
    guard try !waitForEnd(of: bridge) else { throw SystemError("the guest was gone before", SystemError.timedOut) }
    return GuestReport(outcome: guest.process.wait())
  }
}
