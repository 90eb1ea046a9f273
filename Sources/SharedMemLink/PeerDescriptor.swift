import LinkCore
import LinkSystem

/// A socket whose other end the peer holds. It carries nothing: its end is the peer's end, however that came, since the
/// kernel closes what a dead process had open.
struct PeerDescriptor: ~Copyable, Sendable {
  private let socket: OwnedDescriptor

  /// Throws `badDescriptor` for anything but a socket; the caller keeps it then.
  init(takingOwnershipOf descriptor: Int32) throws(LinkError) {
    do throws(SystemError) {
      guard try OwnedDescriptor.status(of: descriptor).kind == .socket else {
        throw SystemError("it is not a socket", SystemError.notSocket)
      }
      socket = try OwnedDescriptor(preparing: descriptor)
    } catch { throw LinkError(error, "peer descriptor \(descriptor)", code: .badDescriptor) }
    UnixSocket.refuseDescriptors(socket.number)
  }

  var number: Int32 { socket.number }

  /// What a wait on it asks for.
  static let events: PollEvents = [.input, .peerShutdown]

  enum Word: Equatable { case nothing, stray(Int), gone }

  /// Asks the kernel what is new. What the peer wrote is thrown away, a bounded amount at a time: left unread it would end
  /// every wait at once.
  func listen() -> Word {
    do throws(SystemError) {
      let reported = try poll(socket.number, Self.events, nanoseconds: 0)
      if !reported.isDisjoint(with: .gone) { return .gone }
      return reported.contains(.input) ? .stray(PacketIO.discardInput(socket.number, limit: 64)) : .nothing
    } catch { return .gone }
  }
}
