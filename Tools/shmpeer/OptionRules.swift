import LinkSystem

/// What the flags of a command line must be to each other.
extension Options {
  func validate(_ arguments: Arguments) throws(Failure) {
    switch command {
    case .demo, .demoPeer, .tunPeer: break
    case .serve, .connect:
      guard socketPath != nil else { throw arguments.usage("--socket PATH is missing") }
      try validateLink(arguments)
    case .attach:
      guard role != nil else { throw arguments.usage("--role is missing: client or server") }
      for (flag, files) in [("--tx-fds", transmitFiles), ("--rx-fds", receiveFiles)] where files.isEmpty {
        throw arguments.usage("\(flag) is missing: the five descriptors of a queue")
      }
      try validateLink(arguments)
    case .fd:
      guard source != nil else {
        throw arguments.usage("one of --fd N, --tun NAME, --tap NAME and --packet IFNAME is needed")
      }
      try validateLink(arguments)
    }
    guard size <= mtu else {
      throw arguments.usage("--size \(size): must be at most the mtu, which is \(mtu)")
    }
    // A descriptor named twice would be closed twice.
    var seen: Set<Int32> = []
    for number in namedDescriptors where !seen.insert(number).inserted {
      throw arguments.usage("descriptor \(number) is named twice: every one has its own place")
    }
  }

  private func validateLink(_ arguments: Arguments) throws(Failure) {
    guard let action else {
      throw arguments.usage(
        "an action is missing: one of --echo, --sink, --source, --ping, --bridge-tun, --bridge-tap and --bridge-packet")
    }
    if peerEthernet != nil, ethernet == nil {
      throw arguments.usage("--peer-ethernet needs --ethernet: without an address of its own the link has no Ethernet")
    }
    switch source {
    case .device(.tun, _) where ethernet != nil:
      throw arguments.usage("--tun carries bare IP packets: leave out --ethernet, or use --tap")
    case .device(.tap, _) where ethernet == nil:
      throw arguments.usage("--tap carries Ethernet frames: give the link an address by --ethernet MAC")
    case .numbers(_) where queueCount != nil:
      throw arguments.usage("--queues is for --tun, --tap and --packet: name each descriptor by an --fd of its own")
    default: break
    }
    if fanout != nil {
      switch source {
      case .device(.tun, _), .device(.tap, _): throw arguments.usage("--fanout is for packet sockets: leave it out")
      case .device(.packet, _) where queueCount ?? 1 == 1:
        throw arguments.usage("--fanout needs --queues: one socket has nobody to share with")
      default: break
      }
    }
    guard case .bridge(let kind, _) = action else {
      if givenThreadCount != nil { throw arguments.usage("--threads is for bridges: leave it out") }
      return
    }
    if givenThreadCount == 1, hasSeveralQueues {
      throw arguments.usage("--threads 1 is for a link with one descriptor or queue: with several each has a thread")
    }
    switch kind {
    case .tun where ethernet != nil:
      throw arguments.usage("--bridge-tun carries bare IP packets: leave out --ethernet, or use --bridge-tap")
    case .tap where ethernet == nil:
      throw arguments.usage("--bridge-tap carries Ethernet frames: give the link an address by --ethernet MAC")
    default: break
    }
  }
}
