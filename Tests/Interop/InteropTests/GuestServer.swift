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
    process = try Peer(["serve", "--socket", path, "--keep", "--json"] + bridge + arguments)
    guard try eventually({ process.messagesSoFar.contains("serving at") }) else {
      throw SystemError("\(process.wait())", SystemError.timedOut)
    }
  }

  /// What it said of each guest that is gone, once there are so many.
  func sessions(_ count: Int, deadline end: UInt64 = deadline()) throws -> [[String: Any]] {
    var lines: [Substring] = []
    _ = try eventually(deadline: end) {
      lines = process.outputSoFar.split(separator: "\n", omittingEmptySubsequences: false).dropLast()
      return lines.count >= count
    }
    return lines.compactMap { try? JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any] }
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

  /// Whether it is not more than `earlier`, but for what allocators do.
  func fits(into earlier: Held) -> Bool {
    descriptorCount <= earlier.descriptorCount && threadCount <= earlier.threadCount
      && mappingCount <= earlier.mappingCount + 32
      && (isThreadSanitized || residentKiB <= earlier.residentKiB + Soak.tolerance)
  }

  var description: String {
    "\(descriptorCount) descriptors, \(threadCount) threads, \(mappingCount) mappings, \(residentKiB) KiB"
  }
}
