import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// As of links over descriptors: the queues' links live under filters made of the published list.
@Suite struct `A link in shared memory` {
  @Test(arguments: [SharedMemEndpoint.Role.client, .server])
  func `makes the listed system calls only`(_ role: SharedMemEndpoint.Role) throws {
    let life = [CallLists.sharedMemoryDataPath, CallLists.sharedMemoryTeardown, CallLists.runtime]
    let setup = [CallLists.sharedMemorySetup, CallLists.runtime]
    try FilteredLife.run(
      setup: setup.flatMap { $0.rules(of: "") }, life: life.flatMap { $0.rules(of: "") },
      open: { try Self.handOver(role) }
    ) { ends, outside in
      for end in [ends.a, ends.b] { try end.attach() }
      for (sender, receiver) in [(ends.a, ends.b), (ends.b, ends.a)] {
        let one = try sender.write(1)
        let taken = try sender.fill()
        _ = receiver.inbox.waitForPackets(one + taken)
        if !sender.inbox.waitForRoom(after: 0) { throw SystemError("room", SystemError.timedOut) }
        _ = try sender.write()
      }
      // Nobody reads a message on the peer's socket.
      try outside { ends.writeToSocket() }
      if try !outside({ try eventually { ends.server.link.statistics[.strayInput] > 0 } }) {
        throw SystemError("stray input", SystemError.timedOut)
      }
      for end in [ends.a, ends.b] { end.link.detach() }
      for end in [ends.a, ends.b] { try end.attach() }
      ends.a.link.close()
      try ends.a.link.wait()
      if ends.b.inbox.waitForClose() != .peerDisconnected { throw SystemError("the peer's end", SystemError.timedOut) }
      try ends.b.link.wait()
    }
  }

  private final class Ends: Sendable {
    let server: RoomEnd
    let client: RoomEnd
    let (a, b): (RoomEnd, RoomEnd)
    private let clientSocket: Lock<OwnedDescriptor?>

    init(
      server: SharedMemEndpoint, client: SharedMemEndpoint, _ first: SharedMemEndpoint.Role,
      _ socket: consuming OwnedDescriptor
    ) {
      self.server = RoomEnd(server, .thread)
      self.client = RoomEnd(client, .thread)
      (a, b) = server.role == first ? (self.server, self.client) : (self.client, self.server)
      clientSocket = Lock(socket)
    }

    func writeToSocket() {
      clientSocket.withLock {
        if let socket = $0.take() { _ = InternetSocket.send(socket, [1, 2, 3].span) }
      }
    }
  }

  /// By a socket's path: both sides under the filter, each on a thread of its own.
  private static func handOver(_ first: SharedMemEndpoint.Role) throws -> Ends {
    let path = "/tmp/link-filtered-\(UInt32.random(in: 0...UInt32.max))"
    let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500))
    let client = Monitor(Result<(SharedMemEndpoint, CInt), any Error>?.none)
    _ = try SystemThread(name: "client") {
      let result = Result {
        let socket = try HandOver.connect(path: path)
        let copy = try OwnedDescriptor.duplicating(socket)
        let link = try HandOver.accept(on: socket) { offer, queues throws(LinkError) in
          try SharedMemEndpoint(offer, queues: queues, peer: socket, options: LinkOptions(mtu: offer.mtu))
        }
        return (link, copy.release())
      }
      client.withLock { $0 = result }
    }
    guard let peer = try server.next(timeout: .seconds(20)) else { throw LinkError(.timedOut, "nobody came") }
    let link = try peer.makeLink(options: LinkOptions())
    guard let (other, copy) = try client.wait(deadline: deadline(), { $0 })?.get() else {
      throw LinkError(.timedOut, "no client")
    }
    return Ends(server: link, client: other, first, OwnedDescriptor(owning: copy))
  }
}
