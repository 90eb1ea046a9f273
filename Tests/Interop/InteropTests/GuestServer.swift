import Foundation
import LinkSystem
import LinkTestSupport

/// `shmpeer serve` in the network namespace of the calling thread, whose device stays between guests.
struct GuestServer {
  let path = socketPath()
  let process: Peer

  init(isEthernet: Bool = false, _ arguments: [String] = []) throws {
    // An address is usable at once: there is nobody else who could have it.
    for name in ["all", "default"] {
      try FileHandle(forWritingAtPath: "/proc/sys/net/ipv6/conf/\(name)/accept_dad")?.write(contentsOf: Data("0".utf8))
    }
    let device = try NetworkDevice.open(isEthernet ? .tap : .tun, name: Host.device, isPersistent: true)
    try Host.configure()
    _ = consume device
    let bridge =
      isEthernet ? ["--bridge-tap", Host.device, "--ethernet", "02:00:00:00:06:01"] : ["--bridge-tun", Host.device]
    process = try Peer(["serve", "--socket", path, "--keep", "--json"] + bridge + arguments, diesWithThread: true)
    guard try eventually({ process.messagesSoFar.contains("serving at") }) else {
      throw SystemError("\(process.wait())", SystemError.timedOut)
    }
  }

  /// What it said of a guest that is gone.
  struct Session: Sendable {
    let line: String
    let closeReason: String?
    let hasDrops: Bool

    init(_ line: String) {
      self.line = line
      let object = (try? JSONSerialization.jsonObject(with: Data(line.utf8))) as? [String: Any]
      closeReason = object?["close_reason"] as? String
      hasDrops = (object?["drops"] as? [String: Any])?.isEmpty != true
    }

    /// The guest went, and the link had lost nothing.
    var isFlawless: Bool { closeReason == "peer-disconnected" && !hasDrops }
  }

  /// One for each guest that is gone, once there are so many.
  func sessions(_ count: Int, deadline end: UInt64 = deadline()) throws -> [Session] {
    var lines: [Substring] = []
    _ = try eventually(deadline: end) {
      lines = process.outputSoFar.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      return lines.count >= count
    }
    return lines.map { Session(String($0)) }
  }

  func end() -> Peer.Outcome {
    process.signal(SIGTERM)
    return process.wait()
  }
}

/// What another process holds.
struct Held: Sendable, CustomStringConvertible {
  var descriptorCount: Int
  var threadCount: Int
  var mappingCount: Int
  var residentKiB: Int

  init(by process: CInt) throws {
    let files = FileManager.default
    descriptorCount = try files.contentsOfDirectory(atPath: "/proc/\(process)/fd").count
    threadCount = try files.contentsOfDirectory(atPath: "/proc/\(process)/task").count
    let lines = { (name: String) in
      let file = try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process)/\(name)"))
      return String(decoding: try file.readToEnd() ?? Data(), as: UTF8.self).split(separator: "\n")
    }
    mappingCount = try lines("maps").count
    residentKiB =
      try lines("status").first { $0.hasPrefix("VmRSS:") }?.split(separator: " ").compactMap { Int($0) }.first ?? 0
  }

  /// Whether it is not more than `earlier`, but for what allocators do, and the runtime of a process in Go.
  func fits(into earlier: Held, isGo: Bool = false) -> Bool {
    descriptorCount <= earlier.descriptorCount && threadCount <= earlier.threadCount + (isGo ? 4 : 0)
      && mappingCount <= earlier.mappingCount + 32
      && (isThreadSanitized || residentKiB <= earlier.residentKiB + (isGo ? 16384 : Soak.tolerance))
  }

  var description: String {
    "\(descriptorCount) descriptors, \(threadCount) threads, \(mappingCount) mappings, \(residentKiB) KiB"
  }
}
