import Glibc
import LinkSystem

/// A connection to a victim that waits for a hand-over, and the bytes of one.
package final class Contact {
  private var socket: OwnedDescriptor?
  let victim: any Victim
  let duration: Duration
  package var random: SeededGenerator

  init(_ victim: any Victim, duration: Duration, random: SeededGenerator) throws {
    self.victim = victim
    self.duration = duration
    self.random = random
    socket = try victim.connection()
  }

  /// Another connection, to a server that went on.
  func reconnect() throws {
    leave()
    socket = try victim.connection()
  }

  func leave() { socket = nil }

  /// Says nothing, for as long as a storm lasts.
  func pause() {
    guard let number else { return }
    _ = try? poll(number, .peerShutdown, nanoseconds: UInt64(duration / .nanoseconds(1)))
  }

  private var number: CInt? {
    switch socket {
    case .some(let socket): socket.number
    case nil: nil
    }
  }

  func send(_ bytes: [UInt8], _ descriptors: [CInt] = []) throws {
    guard let number else { throw Complaint("the connection is closed") }
    do throws(SystemError) { try DescriptorMessage(bytes: bytes, descriptors: descriptors).send(on: number) } catch {
      // The victim has had enough, or told the kernel that it takes no descriptors.
      if ![EPIPE, ECONNRESET, EPERM].contains(error.number) { throw error }
    }
  }

  /// With the descriptors of a link, or what `choose` makes of them.
  func send(_ bytes: [UInt8], with files: LinkFiles, _ choose: ([CInt]) -> [CInt] = { $0 }) throws {
    try withExtendedLifetime(files) { try send(bytes, choose(files.descriptors)) }
  }

  /// As a client: takes the offer of an honest hand-over.
  func acceptOffer(isGreeted: Bool = false) throws -> HostilePeer {
    guard let number else { throw Complaint("the connection is closed") }
    if !isGreeted { try send(Self.hello()) }
    let deadline = monotonicNanoseconds() &+ 10_000_000_000
    while true {
      if let message = try DescriptorMessage.receive(on: number, limit: 64) {
        guard message.descriptors.count == 10 else {
          throw Complaint("an offer with \(message.descriptors.count) descriptors")
        }
        if !isGreeted { try send(Self.answer(0)) }
        return try peer(message.descriptors)
      }
      if monotonicNanoseconds() >= deadline { throw Complaint("no offer came") }
      _ = try poll(number, .input, nanoseconds: 100_000_000)
    }
  }

  /// The link over these descriptors and this connection, which are its own from now on.
  func peer(_ descriptors: [CInt]) throws -> HostilePeer {
    guard let socket = socket.take() else { throw Complaint("the connection is closed") }
    let files = LinkFiles(descriptors: descriptors, socket: socket)
    return try HostilePeer(files, victim: victim.role, duration: duration, random: random)
  }

  private static let magic = Array("SWLINK".utf8)

  /// What a client says first.
  static func hello() -> [UInt8] { magic + UInt16(1).littleEndianBytes + UInt64(0).littleEndianBytes }

  /// To a client, with the sizes of the memory files.
  static func offer(version: UInt16 = 1, mtu: UInt32 = 1500, buffer: UInt32 = 2048) -> [UInt8] {
    let sizes = [LinkFiles.dataByteCount, LinkFiles.pipeByteCount, LinkFiles.pipeByteCount, LinkFiles.sharedByteCount]
    return magic + version.littleEndianBytes + mtu.littleEndianBytes + buffer.littleEndianBytes
      + UInt64(0).littleEndianBytes + (sizes + sizes).flatMap { UInt32($0).littleEndianBytes }
  }

  static func answer(_ verdict: UInt32) -> [UInt8] {
    magic + UInt16(1).littleEndianBytes + verdict.littleEndianBytes
  }
}
