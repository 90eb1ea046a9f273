import LinkCore

/// The way of receiving that was chosen for a descriptor.
enum ReceivePlan {
  case readv
  case recvmmsg(messageCount: Int, hasAuxiliaryData: Bool)

  /// Throws `invalidArgument` for a way that the descriptor does not have; only `.automatic` takes another one instead.
  init(_ options: FDOptions, _ kind: AdoptedDescriptor.Kind) throws(LinkError) {
    let messages = min(options.receiveBatch, options.messagesPerCall)
    switch (options.dispatchMode, kind) {
    case (.automatic, .device), (.readv, .device), (.readv, .socket), (.readv, .internetSocket): self = .readv
    case (.readv, .packetSocket): self = .recvmmsg(messageCount: 1, hasAuxiliaryData: true)
    case (.recvmmsg, .device):
      throw LinkError(.invalidArgument, "dispatch mode recvmmsg needs a socket; a TUN or TAP device has readv")
    case (.automatic, _), (.recvmmsg, _):
      self = .recvmmsg(messageCount: messages, hasAuxiliaryData: kind == .packetSocket)
    }
  }

  consuming func makeStrategy() -> any ReceiveStrategy & ~Copyable {
    switch self {
    case .readv: ReadvStrategy()
    case .recvmmsg(let messageCount, let hasAuxiliaryData):
      RecvmmsgStrategy(messageCount: messageCount, hasAuxiliaryData: hasAuxiliaryData)
    }
  }
}
