import LinkCore
import LinkSystem
import SharedMemLink

/// Links by hand-over over a connected socket, which stays as the link's peer descriptor.
enum Link {
  /// Closes a link and waits until it is.
  static func end(_ link: any LinkEndpoint) {
    link.close()
    // It throws only inside a callback of the link.
    do { try link.wait() } catch { assertionFailure("\(error)") }
  }

  static func serve(_ socket: consuming OwnedDescriptor, _ options: Options) throws(Failure) -> SharedMemEndpoint {
    var geometry = QueueGeometry()
    geometry.bufferByteCount = options.bufferByteCount
    let offer = LinkOffer(
      mtu: options.mtu, bufferByteCount: options.bufferByteCount, isEthernet: options.ethernet != nil)
    do {
      let queues = try QueuePair.make(geometry)
      try HandOver.offer(queues, offer, on: socket.number)
      let link = try SharedMemEndpoint(
        .server, queues: queues, peer: socket.number, bufferByteCount: options.bufferByteCount,
        options: options.linkOptions)
      // The link owns it now.
      _ = socket.release()
      return link
    } catch { throw Failure(error, "hand-over") }
  }

  static func connect(_ socket: consuming OwnedDescriptor, _ options: Options) throws(Failure) -> SharedMemEndpoint {
    do {
      let accepted = try HandOver.accept(on: socket.number)
      let offer = accepted.offer
      guard offer.isEthernet == (options.ethernet != nil) else {
        throw Failure(
          .usage,
          offer.isEthernet
            ? "the server's link has Ethernet frames: give this side an address by --ethernet MAC"
            : "the server's link has no Ethernet frames: leave out --ethernet")
      }
      var linkOptions = options.linkOptions
      // The server's word, unless this side was told to send larger packets.
      if options.givenMTU == nil { linkOptions.mtu = max(offer.mtu, options.size) }
      let link = try SharedMemEndpoint(
        .client, queues: accepted.takeQueues(), peer: socket.number, bufferByteCount: offer.bufferByteCount,
        options: linkOptions)
      // The link owns it now.
      _ = socket.release()
      return link
    } catch let error as LinkError { throw Failure(error, "hand-over") } catch let error as Failure {
      throw error
    } catch {
      throw Failure(.missing, "hand-over: \(error)")
    }
  }
}
