import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// Root and the TUN device: what the demo over namespaces needs.
private let isPrivileged = geteuid() == 0 && FileManager.default.fileExists(atPath: "/dev/net/tun")

@Suite(.serialized) struct `The demo over TUN devices` {
  @Test(.enabled(if: isPrivileged, "needs root and /dev/net/tun"))
  func `pings and moves a file between two namespaces and leaves nothing`() throws {
    let before = try Leftovers()
    let outcome = try Peer.run("demo", "--tun", "--json")
    #expect(outcome.ending == .exited(0), "\(outcome)")
    let json = try #require(outcome.json)
    for key in ["ping4", "ping6", "tcp_digest_ok"] { #expect(json[key] as? Bool == true, "\(key)") }
    #expect((outcome.number("tcp_bytes") ?? 0) > 0)
    #expect(json["gbit_per_second"] is NSNumber)
    #expect(try eventually { try Leftovers() == before })
  }

  @Test(.enabled(if: isPrivileged, "needs root and /dev/net/tun"), arguments: [SIGINT, SIGTERM, SIGKILL])
  func `leaves nothing when it is interrupted`(signal: Int32) throws {
    let before = try Leftovers()
    let peer = try Peer(["demo", "--tun", "--json"])
    // Its children are there: it has begun.
    #expect(try eventually { try !Leftovers.children(of: peer.processIdentifier).isEmpty })
    let children = try Leftovers.children(of: peer.processIdentifier)
    peer.signal(signal)
    _ = peer.wait()
    #expect(try eventually { children.allSatisfy { !FileManager.default.fileExists(atPath: "/proc/\($0)") } })
    #expect(try eventually { try Leftovers() == before })
  }
}

/// What the demo makes, and has to take down again.
private struct Leftovers: Equatable {
  var devices: [String]
  var namedNamespaces: [String]

  init() throws {
    devices = try FileManager.default.contentsOfDirectory(atPath: "/sys/class/net").sorted()
    namedNamespaces = (try? FileManager.default.contentsOfDirectory(atPath: "/run/netns").sorted()) ?? []
  }

  /// The processes whose parent is `identifier`.
  static func children(of identifier: Int32) throws -> [Int32] {
    try FileManager.default.contentsOfDirectory(atPath: "/proc").compactMap(Int32.init).filter { child in
      // The second field, the name, may hold spaces; the parent is the second word behind its parenthesis.
      let record = (try? String(contentsOfFile: "/proc/\(child)/stat", encoding: .utf8)) ?? ""
      let words = record.split(separator: ")").last?.split(separator: " ") ?? []
      return words.count > 1 && Int32(words[1]) == identifier
    }
  }
}
