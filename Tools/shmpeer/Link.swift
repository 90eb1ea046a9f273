import Eventfd
import LinkCore
import LinkSystem
import SharedMemLink

/// A link, and what says goodbye on it.
struct JoinedLink {
  let endpoint: SharedMemEndpoint
  let goodbye: Goodbye?
}

/// Shared-memory links by hand-over over a connected socket, which stays as the link's peer descriptor.
struct Link {
  let options: Options
  let watch: Watch

  /// A server may have another peer before this one.
  static let patience: Duration = .seconds(15)
  /// How long a peer may be silent.
  private static let silence: Duration = .seconds(5)

  /// What peers are told of this side's queues.
  var offer: LinkOffer {
    var offer = LinkOffer(
      mtu: options.mtu, bufferByteCount: options.bufferByteCount, isEthernet: options.ethernet != nil,
      hasVirtioNetHeader: options.hasVirtioNetHeader)
    offer.offloads = options.offloads
    return offer
  }
  var limits: HandOverServer.Limits {
    var limits = HandOverServer.Limits()
    limits.timeout = min(options.timeout ?? Self.silence, Self.silence)
    return limits
  }

  /// Makes this side's end of a link that a peer at the socket's path came for.
  func join(_ peer: consuming HandedOver) throws(Failure) -> JoinedLink {
    do {
      let goodbye = Goodbye(on: peer.peer)
      return JoinedLink(endpoint: try peer.makeLink(options: options.linkOptions), goodbye: goodbye)
    } catch { throw Failure(error) }
  }

  /// Makes queues and hands them over to the one peer that has the other end of the socket.
  func serve(_ socket: consuming OwnedDescriptor) throws(Failure) -> JoinedLink {
    var geometry = QueueGeometry()
    geometry.bufferByteCount = options.bufferByteCount
    let number = socket.number
    do {
      let queues = try QueuePair.make(geometry)
      let agreed = try interruptible(number) { () throws(LinkError) in
        try HandOver.offer(queues, offer, on: number, timeout: limits.timeout)
      }
      let goodbye = Goodbye(on: number)
      let link = try SharedMemEndpoint(makerOf: agreed, queues: queues, peer: number, options: options.linkOptions)
      // The link owns it now.
      _ = socket.release()
      return JoinedLink(endpoint: link, goodbye: goodbye)
    } catch { throw failure(error) }
  }

  /// Receives queues.
  func connect(_ socket: consuming OwnedDescriptor) throws(Failure) -> JoinedLink {
    let number = socket.number
    let goodbye = Goodbye(on: number)
    do {
      let link = try interruptible(number) { () throws(LinkError) in
        try HandOver.accept(
          on: number, accepting: options.filePolicy, offloads: options.offloads,
          timeout: options.timeout ?? Self.patience
        ) { offer, queues throws(LinkError) in
          try SharedMemEndpoint(offer, queues: queues, peer: number, options: try linkOptions(for: offer))
        }
      }
      // The link owns it now.
      _ = socket.release()
      return JoinedLink(endpoint: link, goodbye: goodbye)
    } catch { throw failure(error) }
  }

  private func linkOptions(for offer: LinkOffer) throws(LinkError) -> LinkOptions {
    guard offer.isEthernet == (options.ethernet != nil) else {
      throw LinkError(
        .invalidArgument,
        offer.isEthernet
          ? "the server's link has Ethernet frames: give this side an address by --ethernet MAC"
          : "the server's link has no Ethernet frames: leave out --ethernet")
    }
    if options.hasVirtioNetHeader, !offer.hasVirtioNetHeader {
      throw LinkError(
        .invalidArgument, "the server's link has no virtio-net headers: leave out --virtio-net-header, or give it there"
      )
    }
    var linkOptions = options.linkOptions
    // The server's word, unless this side was told to send larger packets.
    if options.givenMTU == nil { linkOptions.mtu = max(offer.mtu, options.size) }
    return linkOptions
  }

  /// Runs a hand-over, which waits for the peer, and ends the connection when a signal comes.
  private func interruptible<Outcome: ~Copyable>(
    _ socket: Int32, _ handOver: () throws(LinkError) -> Outcome
  ) throws(LinkError) -> Outcome {
    let stop = try EventFD()
    let number = stop.descriptor
    let thread: SystemThread
    do {
      thread = try SystemThread(name: "hand-over") { [watch] in
        if watch.wait(number, until: nil) == .signal { UnixSocket.shutDown(socket) }
      }
    } catch { throw LinkError(error) }
    let result: Result<Outcome, LinkError>
    do { result = .success(try handOver()) } catch { result = .failure(error) }
    // A bell of this function's own cannot fail to ring.
    do { try stop.notify() } catch { assertionFailure("\(error)") }
    thread.join()
    return try result.get()
  }

  /// A signal ends a hand-over by ending the connection: then that is not the peer's doing.
  private func failure(_ error: LinkError) -> Failure {
    watch.isSignalled ? Failure(.unverified, "ended by a signal before there was a link") : Failure(error)
  }

  /// Closes a link and waits until it is.
  static func end(_ link: any LinkEndpoint) {
    link.close()
    // It throws only inside a callback of the link.
    do { try link.wait() } catch { assertionFailure("\(error)") }
  }
}
