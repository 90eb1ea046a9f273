import LinkCore
import LinkSystem

/// The way of receiving that was chosen for a descriptor.
enum ReceivePlan: ~Copyable {
  case deaf
  case readv
  case packetRing(PacketRing)
  case recvmmsg(messageCount: Int, hasAuxiliaryData: Bool)

  /// Throws `invalidArgument` for a way that the descriptor does not have; only `.automatic` takes another one instead.
  /// A ring is made here: `frameLimit` is the largest frame that it is to hold.
  init(
    _ options: FDOptions, _ number: CInt, _ kind: AdoptedDescriptor.Kind, frameLimit: Int,
    headerByteCount: Int
  ) throws(LinkError) {
    if options.isDeaf {
      self = .deaf
      return
    }
    let messages = min(options.receiveBatch, options.messagesPerCall(hasHeads: false))
    switch (options.dispatchMode, kind) {
    case (.automatic, .device), (.readv, .device), (.readv, .socket), (.readv, .internetSocket): self = .readv
    case (.readv, .packetSocket): self = .recvmmsg(messageCount: 1, hasAuxiliaryData: true)
    case (.packetRing, .packetSocket):
      let geometry = try options.ring.geometry(frameLimit: max(frameLimit, try Self.interfaceFrame(number)))
      do { self = .packetRing(try PacketRing(on: number, geometry, headByteCount: headerByteCount)) } catch {
        throw LinkError(error, "packet ring of \(geometry.byteCount) bytes on descriptor \(number)")
      }
    case (.packetRing, _):
      throw LinkError(.invalidArgument, "dispatch mode packetRing needs a packet socket; descriptor \(number) is none")
    case (.recvmmsg, .device):
      throw LinkError(.invalidArgument, "dispatch mode recvmmsg needs a socket; a TUN or TAP device has readv")
    case (.automatic, _), (.recvmmsg, _):
      self = .recvmmsg(messageCount: messages, hasAuxiliaryData: kind == .packetSocket)
    }
  }

  /// The largest frame that the interface brings: the link's MTU may be raised up to it.
  private static func interfaceFrame(_ number: CInt) throws(LinkError) -> Int {
    do { return try PacketSocket.interfaceMTU(number) + EthernetHeader.byteCount } catch { throw LinkError(error) }
  }

  /// The way that was chosen, as the options name it; nil: none.
  func mode(_ options: FDOptions) -> DispatchMode? {
    switch self {
    case .deaf: nil
    case .readv: .readv
    case .packetRing: .packetRing
    // One message at a time stands for `readv` on a packet socket.
    case .recvmmsg: options.dispatchMode == .readv ? .readv : .recvmmsg
    }
  }

  var geometry: PacketRing.Geometry? {
    switch self {
    case .packetRing(let ring): ring.geometry
    default: nil
    }
  }

  consuming func makeStrategy() -> any ReceiveStrategy & ~Copyable {
    switch consume self {
    case .deaf: return DeafStrategy()
    case .readv: return ReadvStrategy()
    case .packetRing(let ring): return PacketRingStrategy(ring)
    case .recvmmsg(let messageCount, let hasAuxiliaryData):
      return RecvmmsgStrategy(messageCount: messageCount, hasAuxiliaryData: hasAuxiliaryData)
    }
  }
}
