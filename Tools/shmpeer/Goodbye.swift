import LinkCore
import LinkSystem

/// How two of these tools tell an orderly end from a death: before it closes a link, the tool writes a message to the
/// peer socket, which carries nothing else. Links throw it away; whoever does not know it does not miss it.
final class Goodbye: Sendable {
  private let socket: OwnedDescriptor

  /// Nil where the socket cannot be shared: then the ends cannot be told apart.
  init?(on socket: Int32) {
    do { self.socket = try .duplicating(socket) } catch { return nil }
  }

  func say() {
    // A peer that is gone needs no goodbye.
    do { try DescriptorMessage(bytes: Array("goodbye".utf8)).send(on: socket.number) } catch {}
  }

  /// Whether the peer of a link that is over has said it: to the link, which counted it, or after the link looked last.
  func wasHeard(by link: any LinkEndpoint) -> Bool {
    if link.statistics[.strayInput] > 0 { return true }
    do {
      guard var message = try DescriptorMessage.receive(on: socket.number, limit: 16) else { return false }
      message.closeAll()
      return !message.bytes.isEmpty
    } catch { return false }
  }
}
