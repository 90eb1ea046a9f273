import Foundation
import InteropSupport
import LinkSystem
import LinkTestSupport
import Testing

/// The whole job: a sandbox's network stack in one process, the host's kernel behind a TUN device, and a link between them.
@Suite(.needsGvisor, .needsDevices, .serialized) struct `A gVisor guest behind a TUN device` {
  private struct Result: Sendable {
    var talks: [Peer.Outcome] = []
    var report: GuestReport
    var largest: Int { report.outcome.number("largest") ?? 0 }
  }

  @Test(arguments: [1500, 9000, 65000]) func `answers pings, streams and datagrams`(mtu: Int) throws {
    let result = try TestNetwork.inNamespace(hasIPv6: true) {
      let sandbox = try Sandbox(mtu: mtu)
      let talks = try Guest.addresses.map { try Host.talk(to: $0, byteCount: Extent.streamByteCount) }
      return Result(talks: talks, report: try sandbox.end())
    }
    for talk in result.talks { #expect(talk.ending == .exited(0), "\(talk)") }
    #expect(result.report.faults.isEmpty, "\(result.report)")
    #expect(result.report.outcome.text("ended_by") == "host")
    #expect(result.largest == mtu)
  }

  private static func randomBytes(_ count: Int) throws -> Data {
    try FileHandle(forReadingFrom: URL(filePath: "/dev/urandom")).read(upToCount: count) ?? Data()
  }

  private static let python = ["/usr/bin/python3", "/usr/local/bin/python3"].first {
    FileManager.default.isExecutableFile(atPath: $0)
  }

  @Test(.enabled(if: python != nil, "needs python3"))
  func `fetches a file from a server of the host's, over IPv4 and IPv6`() throws {
    let folder = FileManager.default.temporaryDirectory.appending(path: "guest-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: folder) }
    let file = folder.appending(path: "file").path
    let byteCount = 30_000_000
    try #require(FileManager.default.createFile(atPath: file, contents: Self.randomBytes(byteCount)))
    let digest = try Peer([file], executable: "/usr/bin/sha256sum").wait().output.prefix(64)
    let reports = try TestNetwork.inNamespace(hasIPv6: true) {
      let server = try Peer(
        ["-m", "http.server", "8000", "--bind", "::", "--directory", folder.path], executable: Self.python!)
      defer {
        server.signal(SIGKILL)
        _ = server.wait()
      }
      guard try Host.isListening(at: 8000) else { throw SystemError("http.server", SystemError.timedOut) }
      return try Host.addresses.map { address in
        let url = "http://\(address.contains(":") ? "[\(address)]" : address):8000/file"
        let sandbox = try Sandbox(["--fetch", url])
        let outcome = sandbox.guest.process.wait()
        _ = try waitForEnd(of: sandbox.bridge)
        return GuestReport(outcome: outcome)
      }
    }
    for report in reports {
      #expect(report.faults.isEmpty, "\(report)")
      #expect(report.outcome.number("bytes") == byteCount)
      #expect(report.outcome.text("sha256") == String(digest))
    }
  }
}
