import FDLink
import Foundation
import LinkCore
import LinkSystem
import LinkTestSupport

/// Three namespaces in a row: from the source's to the router's by a link of two processes, from there to the target's by
/// two devices without virtio-net headers and a bridge of this process. A capture runs at the target's.
final class OffloadPath: Sendable {
  private enum Side: Sendable { case source, router }

  /// What a namespace hands out. Sockets by number: TCP over IPv4, over IPv6, UDP.
  private struct Parts: Sendable {
    var sockets: [CInt] = []
    var peers: [Peer] = []
    var link: FDEndpoint?
    var bridge: LinkBridge?
    var capture: Capture?

    func with(_ other: Parts) -> Parts {
      Parts(sockets: sockets + other.sockets, peers: peers + other.peers, bridge: bridge ?? other.bridge)
    }
  }

  /// For arrays.
  private final class Socket: Sendable {
    let file: OwnedDescriptor
    init(_ number: CInt) { file = OwnedDescriptor(owning: number) }
  }

  private let near: Parts
  private let far: Parts
  private let bridge: LinkBridge
  private let sources: [Socket]
  private let targets: [Socket]

  /// The networks overlap, so that source and target reach each other without routes of their own.
  private static func ipv4(_ network: UInt8, _ host: UInt8) -> [UInt8] { [10, 9, network, host] }
  private static func ipv6(_ network: UInt8, _ host: UInt8) -> [UInt8] {
    [0xfd, 9, 0, 0, 0, 0, 0, network] + [UInt8](repeating: 0, count: 7) + [host]
  }

  init(_ example: CaptureTests.Case) throws {
    let far = try TestNetwork.inNamespace(hasIPv6: true) { try Self.openTarget() }
    let isRouted = Monitor(false)
    near = try TestNetwork.inNamespace(hasIPv6: true) {
      let path = socketPath()
      let sides: (server: Side, client: Side) = example.senderServes ? (.source, .router) : (.router, .source)
      let server = try Self.peer("serve", path, sides.server, example, ready: "serving at")
      // In this namespace too. The source goes on when the router is there, whichever of them serves.
      let outer = Lock<Result<Parts, any Error>?>(nil)
      let thread = try SystemThread(name: "test-server") {
        let result = Result { try Self.open(sides.server, server, far, isRouted) }
        outer.withLock { $0 = result }
      }
      let inner = Result {
        try TestNetwork.inNamespace(hasIPv6: true) {
          let client = try Self.peer("connect", path, sides.client, example, ready: "joined to")
          return try Self.open(sides.client, client, far, isRouted)
        }
      }
      thread.join()
      return try outer.withLock { $0! }.get().with(inner.get())
    }
    guard let bridge = near.bridge else { throw SystemError("a bridge", SystemError.timedOut) }
    self.far = far
    self.bridge = bridge
    sources = near.sockets.map { Socket($0) }
    targets = far.sockets.map { Socket($0) }
  }

  deinit {
    bridge.close()
    for peer in near.peers { peer.signal(SIGKILL) }
  }

  // MARK: Namespaces

  private static func peer(
    _ command: String, _ path: String, _ side: Side, _ example: CaptureTests.Case, ready: String
  ) throws -> Peer {
    let leavesOut = side == .source ? example.senderLeavesOut : example.receiverLeavesOut
    let arguments = [command, "--socket", path, "--bridge-tun", "tun", "--timeout", "50"]
    let peer = try Peer(arguments + (leavesOut ? ["--no-offload"] : []))
    try wait(for: peer, ready)
    return peer
  }

  private static func wait(for peer: Peer, _ message: String) throws {
    if try eventually({ peer.messagesSoFar.contains(message) }) { return }
    peer.signal(SIGKILL)
    throw SystemError(peer.messagesSoFar, SystemError.timedOut)
  }

  private static func configure(_ device: String, _ network: UInt8, _ host: UInt8, isWide: Bool = false) throws {
    try NetworkDevice.setAddress(device, ipv4: ipv4(network, host), prefixLength: isWide ? 16 : 24)
    try NetworkDevice.setUp(device)
    try NetworkDevice.addAddress(device, ipv6: ipv6(network, host), prefixLength: isWide ? 48 : 64)
  }

  private static func open(_ side: Side, _ peer: Peer, _ far: Parts, _ isRouted: Monitor<Bool>) throws -> Parts {
    try wait(for: peer, "joined to")
    var parts = Parts(peers: [peer])
    switch side {
    case .source:
      try configure("tun", 0, 1, isWide: true)
      _ = isRouted.wait(deadline: deadline()) { $0 ? true : nil }
      for address in [ipv4(1, 2), ipv6(1, 2)] { parts.sockets.append(try connect(to: address).release()) }
      let datagrams = try InternetSocket.datagram(from: udp(0, 1), to: udp(1, 2))
      try TestNetwork.cutDatagrams(datagrams.number, datagramByteCount)
      parts.sockets.append(datagrams.release())
    case .router:
      for file in ["ipv4/ip_forward", "ipv6/conf/all/forwarding"] {
        try FileHandle(forWritingTo: URL(filePath: "/proc/sys/net/\(file)")).write(contentsOf: Data("1".utf8))
      }
      guard let end = far.link else { throw SystemError("a device", SystemError.timedOut) }
      let bridge = LinkBridge(try FDEndpoint.tun(name: "plain"), end)
      try bridge.start()
      parts.bridge = bridge
      try configure("plain", 1, 1)
      try configure("tun", 0, 2)
      isRouted.withLock { $0 = true }
    }
    return parts
  }

  /// While the interfaces are new a router may say that there is no way.
  private static func connect(to address: [UInt8]) throws -> OwnedDescriptor {
    try TestNetwork.patiently {
      let socket = try InternetSocket.connect(to: InternetSocket.Address(address, port: 4000))
      guard try poll(socket.number, .output, nanoseconds: 5_000_000_000) == .output else {
        throw SystemError("connect", SystemError.timedOut)
      }
      return socket
    }
  }

  private static func openTarget() throws -> Parts {
    var parts = Parts(link: try FDEndpoint.tun(name: "end"))
    try configure("end", 1, 2, isWide: true)
    for address in [ipv4(1, 2), ipv6(1, 2)] {
      let socket = try TestNetwork.patiently {
        try InternetSocket.listen(InternetSocket.Address(address, port: 4000))
      }
      parts.sockets.append(socket.release())
    }
    parts.sockets.append(try InternetSocket.datagram(from: udp(1, 2), to: udp(0, 1)).release())
    parts.capture = try Capture(of: "end")
    return parts
  }

  // MARK: Traffic

  private static let datagramByteCount = 1000
  private static func udp(_ network: UInt8, _ host: UInt8) -> InternetSocket.Address {
    InternetSocket.Address(ipv4(network, host), port: 4001)
  }

  /// Whether so many bytes arrive through TCP as they were. Once each.
  func transfers(_ count: Int, isIPv6: Bool) throws -> Bool {
    let index = isIPv6 ? 1 : 0
    let server = try TestNetwork.accept(targets[index].file)
    return try TestNetwork.transfer(count, from: sources[index].file, to: server)
  }

  private func endPeers() -> [Peer.Outcome] {
    for peer in near.peers { peer.signal(SIGTERM) }
    return near.peers.map { $0.wait() }
  }

  /// Whether datagrams arrive, all of one message that the socket cuts.
  func sendDatagrams(_ count: Int) throws -> Bool {
    let message = (0..<count * Self.datagramByteCount).map { UInt8(truncatingIfNeeded: $0 / Self.datagramByteCount) }
    guard InternetSocket.send(sources[2].file, message.span) == message.count else { return false }
    var room = [UInt8](repeating: 0, count: 2000)
    for number in 0..<count {
      guard try poll(targets[2].file.number, .input, nanoseconds: 10_000_000_000) == .input else { return false }
      var span = room.mutableSpan
      let received = InternetSocket.receive(targets[2].file, into: &span)
      guard received == Self.datagramByteCount, room[0] == UInt8(number) else { return false }
    }
    return true
  }

  /// Ends everything; the frames that the target's device brought.
  func end() throws -> [Capture.Frame] {
    let mark = Array("the last datagram of this test".utf8)
    _ = InternetSocket.send(sources[2].file, mark.span)
    let frames = try far.capture?.end(after: mark) ?? []
    for outcome in endPeers() where outcome.ending != .exited(0) {
      throw SystemError("\(outcome)", SystemError.timedOut)
    }
    return frames
  }
}
