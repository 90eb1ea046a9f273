import FDLink
import LinkSystem
import LinkCore
import Synchronization

/// The end of a socket pair that a test holds itself.
final class FarEnd: Sendable {
  private let socket: Lock<OwnedDescriptor?>
  private let number: CInt

  init(_ descriptor: CInt) {
    number = descriptor
    socket = Lock(OwnedDescriptor(owning: descriptor))
  }

  /// A link over one end of a new pair, and the other end.
  static func link(_ options: LinkOptions = LinkOptions()) throws -> (FDEndpoint, FarEnd) {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    return (try FDEndpoint(takingOwnershipOf: ends[0], options: options), FarEnd(ends[1]))
  }

  func close() { socket.withLock { $0 = nil } }

  /// False if there is no room now.
  func trySend(_ message: [UInt8]) -> Bool {
    // SAFETY: the array's storage is valid during the call.
    unsafe message.withUnsafeBytes { unsafe PacketIO.send(number, $0) } >= 0
  }

  /// Sends when there is room; false if none came within ten seconds, or the other end is gone.
  func send(_ message: [UInt8]) throws -> Bool {
    while !trySend(message) { if try waits(for: .output) != .output { return false } }
    return true
  }

  /// What is reported within ten seconds.
  func waits(for events: PollEvents) throws -> PollEvents {
    try poll(number, events, nanoseconds: 10_000_000_000)
  }

  /// The next message; empty at the end of the connection, nil if nothing came in time.
  func receive(nanoseconds: UInt64 = 10_000_000_000) throws -> [UInt8]? {
    if try poll(number, .input, nanoseconds: nanoseconds).isEmpty { return nil }
    var room = [UInt8](repeating: 0, count: 2048)
    // SAFETY: the array's storage is valid during the call.
    let count = unsafe room.withUnsafeMutableBytes { unsafe PacketIO.read(number, $0) }
    return count >= 0 ? Array(room[..<count]) : nil
  }

  /// A packet that starts like IPv4 and says which one it is.
  static func message(_ number: Int, byteCount: Int = 60) -> [UInt8] {
    var message = [UInt8](repeating: 0, count: byteCount)
    message[0] = 0x45
    for index in 0..<4 { message[index + 1] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
    return message
  }

  static func number(of message: [UInt8]) -> Int { (0..<4).reduce(0) { $0 | Int(message[$1 + 1]) << (8 * $1) } }
}
