package import LinkSystem

/// One cell of the matrix: what is carried from whom to whom, over what.
package struct Cell: Sendable, CustomStringConvertible {
  /// What joins the near side, which is ours, and the far side, which is gVisor's.
  package enum Medium: Sendable, Equatable {
    /// The far side has the other role.
    case sharedMemory(nearRole: String)
    case sockets(UnixSocket.Kind, dispatch: String)
  }

  /// Who does what.
  package enum Job: String, CaseIterable, Sendable {
    case nearSends = "we send"
    case farSends = "gVisor sends"
    case farEchoes = "gVisor echoes"
    case nearEchoes = "we echo"
  }

  package var medium: Medium
  package var job: Job
  package var size: Int
  package var isEthernet: Bool

  package init(_ medium: Medium, _ job: Job, size: Int, isEthernet: Bool) {
    self.medium = medium
    self.job = job
    self.size = size
    self.isEthernet = isEthernet
  }

  package static let media: [Medium] =
    ["client", "server"].map { .sharedMemory(nearRole: $0) }
    + [UnixSocket.Kind.seqpacket, .datagram].flatMap { kind in
      ["readv", "recvmmsg"].map { .sockets(kind, dispatch: $0) }
    }
  package static let sizes = [32, 64, 1500, 2048, 2049, 9000, 65000]

  /// Every cell of a medium.
  package static func all(_ medium: Medium) -> [Cell] {
    sizes.flatMap { size in
      [false, true].flatMap { isEthernet in
        Job.allCases.map { Cell(medium, $0, size: size, isEthernet: isEthernet) }
      }
    }
  }

  /// Of so many that a cell has: fewer of the large ones.
  package func packets(of count: Int) -> Int { size > 9000 ? max(1, count / 10) : count }

  package var description: String { "\(medium), \(job.rawValue), \(size) B\(isEthernet ? ", Ethernet" : "")" }
}

extension Cell.Medium: CustomStringConvertible {
  /// Our role, or the sockets and how both sides receive from them.
  package var description: String {
    switch self {
    case .sharedMemory(let role): role
    case .sockets(let kind, let dispatch): "\(kind)-\(dispatch)"
    }
  }
}
