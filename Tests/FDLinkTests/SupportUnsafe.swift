import FDLink
import Glibc
import LinkCore
import LinkSystem
import Synchronization

/// A frame that says which one it is: an IPv4 version byte, the number, and filling.
func numbered(_ number: Int, byteCount: Int = 64) -> [UInt8] {
  var frame = [UInt8](repeating: UInt8(truncatingIfNeeded: number), count: byteCount)
  frame[0] = 0x45
  for index in 0..<4 where index + 1 < byteCount { frame[index + 1] = UInt8(truncatingIfNeeded: number >> (8 * index)) }
  return frame
}

func number(of frame: [UInt8]) -> Int { (0..<4).reduce(0) { $0 | Int(frame[$1 + 1]) << (8 * $1) } }

/// The raw other end of a link: a socket of the pair that the test holds itself.
struct RawPeer: ~Copyable, Sendable {
  let socket: OwnedDescriptor

  func send(_ message: [UInt8]) -> Int {
    // SAFETY: the array's storage is valid during the call.
    unsafe message.withUnsafeBytes { unsafe PacketIO.send(socket.number, $0) }
  }

  /// Sends as soon as there is room; false if none came within ten seconds, or the kernel refused.
  func waitToSend(_ message: [UInt8]) throws -> Bool {
    while true {
      let result = send(message)
      if result >= 0 { return result == message.count }
      if try poll(socket.number, .output, nanoseconds: 10_000_000_000) != .output { return false }
    }
  }

  /// The next message, or nil when none waits.
  func receive() -> [UInt8]? {
    var room = [UInt8](repeating: 0, count: 70_000)
    // SAFETY: the array's storage is valid during the call.
    let count = unsafe room.withUnsafeMutableBytes { unsafe PacketIO.read(socket.number, $0) }
    return count >= 0 ? Array(room[..<count]) : nil
  }

  /// The next message, or nil when none came within ten seconds.
  func waitToReceive() throws -> [UInt8]? {
    _ = try poll(socket.number, .input, nanoseconds: 10_000_000_000)
    return receive()
  }
}

/// A link over one end of a socket pair, the test at the other. Closed when the test is over.
func withLink(
  _ kind: UnixSocket.Kind = .seqpacket, _ options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions(),
  _ body: (FDEndpoint, consuming RawPeer) throws -> Void
) throws {
  let ends = try UnixSocket.pair(kind).takeBoth()
  let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
  let link = try FDEndpoint(takingOwnershipOf: ends[0], options: options, fdOptions: fdOptions)
  defer { link.close() }
  try body(link, peer)
}

extension LinkEndpoint {
  /// Sends frames as they are, each as one packet, in one write.
  func write(frames: [[UInt8]], pool: PacketPool, headerLength: Int? = nil) throws(LinkError) -> Int {
    var batch = PacketBatch(capacity: 64, pool: pool)
    for frame in frames {
      batch.append { packet in
        packet.append(frame.count) { span in for index in frame.indices { span[index] = frame[index] } }
        packet.markLinkHeader(headerLength ?? maxHeaderLength)
      }
    }
    precondition(batch.count == frames.count, "the pool of the test is too small")
    return try writeBatch(batch)
  }
}

/// For tests that run on a thread of their own, where an expectation would not know its test.
struct DidNotHappen: Error, CustomStringConvertible {
  let description: String
}

extension RawPeer {
  func deliver(_ message: [UInt8]) throws {
    if try !waitToSend(message) { throw DidNotHappen(description: "a frame of \(message.count) bytes was not taken") }
  }
}

extension Collector {
  func need(_ condition: (State) -> Bool, file: String = #fileID, line: UInt = #line) throws {
    if !waits(for: condition) {
      throw DidNotHappen(description: "\(file):\(line): \(now.frames.count) frames, closed \(now.closings)")
    }
  }
}

/// As `ulimit -n` of this process.
func limitDescriptors(to count: UInt) {
  var limit = rlimit(rlim_cur: count, rlim_max: count)
  // SAFETY: the record is a live local.
  precondition(unsafe setrlimit(__rlimit_resource_t(RLIMIT_NOFILE.rawValue), &limit) == 0)
}
