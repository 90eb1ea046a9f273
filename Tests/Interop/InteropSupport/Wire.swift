import LinkSystem
package import SharedMemLink

/// What joins two processes, held until both have inherited it; or this one and another.
package final class Wire {
  package let near: Place
  package let far: Place
  private let medium: Cell.Medium
  private var queues: QueuePair?
  private var nearSocket: OwnedDescriptor?
  private var farSocket: OwnedDescriptor?

  package init(_ medium: Cell.Medium) throws {
    self.medium = medium
    switch medium {
    case .sharedMemory(let role):
      // Our sealed files: gVisor maps what it is given.
      let queues = try QueuePair.make()
      let sockets = try UnixSocket.pair(.seqpacket).takeBoth()
      near = Place(role, queues: queues.descriptors, peer: sockets[0])
      far = Place(role == "client" ? "server" : "client", queues: queues.descriptors, peer: sockets[1])
      self.queues = consume queues
      nearSocket = OwnedDescriptor(owning: sockets[0])
      farSocket = OwnedDescriptor(owning: sockets[1])
    case .sockets(let kind, let dispatch):
      let sockets = try UnixSocket.pair(kind).takeBoth()
      nearSocket = OwnedDescriptor(owning: sockets[0])
      farSocket = OwnedDescriptor(owning: sockets[1])
      for index in 0..<2 { try SocketFacts.setBuffers(of: sockets[index], receive: nil, send: 1 << 20) }
      near = Place(socket: sockets[0], dispatch: dispatch)
      far = Place(socket: sockets[1], dispatch: dispatch)
    }
  }

  /// Both processes have what they need. From here on the end of one is the other's, but where gVisor reads from a socket:
  /// it throws away what the peer sent just before it left.
  func letGo(near: Side, far: Side) {
    queues = nil
    if case .sharedMemory = medium {
      nearSocket = nil
      farSocket = nil
      return
    }
    if far != .gvisor { nearSocket = nil }
    if near != .gvisor { farSocket = nil }
  }

  /// For a link in this process, once the far one's process has what it needs: the queues, if there are any.
  package func takeQueues() -> QueuePair? { queues.take() }

  /// The near end's socket, the caller's from now on.
  package func takeNearSocket() -> CInt {
    farSocket = nil
    return nearSocket.take()!.release()
  }
}
