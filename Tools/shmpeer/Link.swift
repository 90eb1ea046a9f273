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

  /// A server behind a silent peer needs that peer's time before it comes to this one.
  private static let patience: Duration = .seconds(15)
  /// A peer that does not answer keeps the others waiting so long.
  private static let silence: Duration = .seconds(5)

  /// Makes queues and hands them over.
  func serve(_ socket: consuming OwnedDescriptor) throws(Failure) -> JoinedLink {
    var geometry = QueueGeometry()
    geometry.bufferByteCount = options.bufferByteCount
    let offer = LinkOffer(
      mtu: options.mtu, bufferByteCount: options.bufferByteCount, isEthernet: options.ethernet != nil,
      hasVirtioNetHeader: options.hasVirtioNetHeader)
    let number = socket.number
    do {
      let queues = try QueuePair.make(geometry)
      let timeout = min(options.timeout ?? Self.silence, Self.silence)
      try interruptible(number) { () throws(LinkError) in
        try HandOver.offer(queues, offer, on: number, timeout: timeout)
      }
      let goodbye = Goodbye(on: number)
      let link = try SharedMemEndpoint(
        .server, queues: queues, peer: number, bufferByteCount: options.bufferByteCount,
        hasVirtioNetHeader: options.hasVirtioNetHeader, options: options.linkOptions)
      // The link owns it now.
      _ = socket.release()
      return JoinedLink(endpoint: link, goodbye: goodbye)
    } catch { throw failure(error) }
  }

  /// Receives queues.
  func connect(_ socket: consuming OwnedDescriptor) throws(Failure) -> JoinedLink {
    let number = socket.number
    let accepted: AcceptedOffer
    do {
      accepted = try interruptible(number) { () throws(LinkError) in
        try HandOver.accept(on: number, timeout: options.timeout ?? Self.patience)
      }
    } catch { throw failure(error) }
    let offer = accepted.offer
    guard offer.isEthernet == (options.ethernet != nil) else {
      throw Failure(
        .usage,
        offer.isEthernet
          ? "the server's link has Ethernet frames: give this side an address by --ethernet MAC"
          : "the server's link has no Ethernet frames: leave out --ethernet")
    }
    if options.hasVirtioNetHeader, !offer.hasVirtioNetHeader {
      throw Failure(
        .usage, "the server's link has no virtio-net headers: leave out --virtio-net-header, or give it there")
    }
    var linkOptions = options.linkOptions
    // The server's word, unless this side was told to send larger packets.
    if options.givenMTU == nil { linkOptions.mtu = max(offer.mtu, options.size) }
    do {
      let goodbye = Goodbye(on: number)
      let link = try SharedMemEndpoint(
        .client, queues: accepted.takeQueues(), peer: number, bufferByteCount: offer.bufferByteCount,
        hasVirtioNetHeader: offer.hasVirtioNetHeader, options: linkOptions)
      // The link owns it now.
      _ = socket.release()
      return JoinedLink(endpoint: link, goodbye: goodbye)
    } catch { throw Failure(error) }
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
