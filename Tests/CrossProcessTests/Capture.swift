import Foundation
import LinkSystem
import LinkTestSupport

/// What `dumpcap` catches on a device of the calling thread's namespace, and what `tshark` says of it. In memory only.
final class Capture: Sendable {
  struct Frame: Sendable {
    var line: String
    var byteCount: Int
    var version: Int
    var isUDP: Bool
    /// All its checksums are, as `tshark` computed them.
    var isRight: Bool

    static let fields = [
      "frame.len", "ip.version", "ip.checksum.status", "tcp.checksum.status", "udp.checksum.status", "tcp.checksum",
      "tcp.checksum_calculated",
    ]

    init?(_ line: Substring) {
      let fields = line.split(separator: ",", omittingEmptySubsequences: false)
      guard fields.count == Self.fields.count, let byteCount = Int(fields[0]), let version = Int(fields[1])
      else { return nil }
      self.line = String(line)
      self.byteCount = byteCount
      self.version = version
      isUDP = !fields[4].isEmpty
      // Both forms of zero are right, and the kernel itself writes the one that the tool does not take for TCP.
      let isZero = fields[5] == "0xffff" && fields[6] == "0x0000"
      // 1: good. IPv6 has no sum of its own.
      isRight = fields[2] == (version == 4 ? "1" : "") && (fields[3] + fields[4] == "1" || isZero)
    }
  }

  private static let dumpcap = "/usr/bin/dumpcap"
  private static let tshark = "/usr/bin/tshark"
  static var isPossible: Bool { [dumpcap, tshark].allSatisfy { FileManager.default.isExecutableFile(atPath: $0) } }

  private let file: OwnedDescriptor
  private let process: Peer

  private var path: String { "/proc/\(getpid())/fd/\(file.number)" }

  /// It has begun when this returns.
  init(of device: String) throws {
    file = try OwnedDescriptor.unsealedMemory(byteCount: 0)
    process = try Peer(
      ["-q", "-i", device, "-s", "0", "-B", "32", "-w", "/proc/self/fd/9"], descriptors: [(file.number, 9)],
      executable: Self.dumpcap)
    let process = process
    if try !eventually({ process.messagesSoFar.contains("File:") }) {
      process.signal(SIGKILL)
      throw SystemError(process.messagesSoFar, SystemError.timedOut)
    }
  }

  /// Ends it when it has caught a packet with these bytes, for it hands over what it catches a while later. Has everything
  /// looked at that belongs to TCP or UDP.
  func end(after mark: [UInt8]) throws -> [Frame] {
    let reader = try FileHandle(forReadingFrom: URL(filePath: path))
    _ = try eventually {
      let size = try reader.seekToEnd()
      try reader.seek(toOffset: size - min(size, 20_000))
      return try reader.readToEnd()?.range(of: Data(mark)) != nil
    }
    process.signal(SIGTERM)
    _ = process.wait()
    var arguments = ["-n", "-r", path, "-Y", "(tcp || udp) && !icmp && !icmpv6"]
    for name in ["ip", "tcp", "udp"] { arguments += ["-o", "\(name).check_checksum:TRUE"] }
    arguments += ["-T", "fields", "-E", "separator=,"]
    for name in Frame.fields { arguments += ["-e", name] }
    let outcome = try Peer(arguments, executable: Self.tshark).wait()
    let lines = outcome.output.split(separator: "\n")
    let frames = lines.compactMap { Frame($0) }
    guard outcome.ending == .exited(0), frames.count == lines.count else {
      throw SystemError("tshark: \(outcome.ending), \(outcome.messages), \(lines.prefix(3))", SystemError.timedOut)
    }
    return frames
  }
}
