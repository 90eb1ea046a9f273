import LinkSystem
package import LinkTestSupport

/// Whose code runs one end of a link, in a process of its own. Both programs take the same flags.
package enum Side: Sendable {
  case ours, gvisor

  /// `place`: the link's end, as the program is told of it.
  package func start(_ place: Place, _ words: [String]) throws -> Peer {
    switch self {
    case .ours: try Peer(place.words + words, descriptors: place.descriptors)
    case .gvisor:
      try Peer(place.words + words, descriptors: place.descriptors, executable: try GvisorPeer.path())
    }
  }
}

/// One end of a link as a process inherits it: the subcommand with the flags that name descriptors, and these, by their
/// numbers here and there.
package struct Place {
  package var words: [String]
  package var descriptors: [(here: CInt, there: CInt)]

  /// An end of a link in shared memory. `queues`: the ten descriptors.
  package init(_ role: String, queues: [CInt], peer: CInt) {
    let list = { (part: Range<Int>) in part.map { String(10 + $0) }.joined(separator: ",") }
    words = ["attach", "--role", role, "--tx-fds", list(0..<5), "--rx-fds", list(5..<10), "--peer-fd", "20"]
    descriptors = zip(queues, 10...).map { (here: $0.0, there: CInt($0.1)) } + [(here: peer, there: 20)]
  }

  /// An end of a socket pair.
  package init(socket: CInt, dispatch: String) {
    words = ["fd", "--fd", "10", "--dispatch", dispatch]
    descriptors = [(here: socket, there: 10)]
  }
}
