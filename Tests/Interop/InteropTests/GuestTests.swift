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
    /// What the host says of the link's end.
    var hasGone = false
    var largest: Int { report.outcome.number("largest") ?? 0 }
  }

  @Test(arguments: [1500, 9000, 65000]) func `answers pings, streams and datagrams`(mtu: Int) throws {
    let result = try TestNetwork.inNamespace(hasIPv6: true) {
      let sandbox = try Sandbox(mtu: mtu)
      let talks = try Guest.addresses.map { try Host.talk(to: $0, byteCount: Extent.streamByteCount) }
      return Result(talks: talks, report: try sandbox.end())
    }
    for talk in result.talks { #expect(talk.isGoodTalk, "\(talk)") }
    #expect(result.report.faults.isEmpty, "\(result.report)")
    #expect(result.report.outcome.text("ended_by") == "host")
    #expect(result.largest == mtu)
  }

  @Test func `is known to have gone when it was killed`() throws {
    let (isStreaming, hasGone) = try TestNetwork.inNamespace(hasIPv6: true) {
      let sandbox = try Sandbox()
      guard try sandbox.guest.isUp() else { throw SystemError("\(sandbox.guest.process.wait())", SystemError.timedOut) }
      let stream = try Host.stream(to: Guest.addresses[0], byteCount: 1 << 40)
      let isStreaming = try eventually { try Host.packetCount() > 200 }
      sandbox.guest.process.signal(SIGKILL)
      let hasGone = try inThread { (try? waitForEnd(of: sandbox.bridge)) ?? false }
      stream.signal(SIGKILL)
      _ = (stream.wait(), sandbox.guest.process.wait())
      return (isStreaming, hasGone)
    }
    #expect(isStreaming)
    #expect(hasGone == true)
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
    let results = try TestNetwork.inNamespace(hasIPv6: true) {
      let server = try Peer(
        ["-m", "http.server", "8000", "--bind", "::", "--directory", folder.path], executable: Self.python!,
        diesWithThread: true)
      defer {
        server.signal(SIGKILL)
        _ = server.wait()
      }
      guard try Host.isListening(at: 8000) else { throw SystemError("http.server", SystemError.timedOut) }
      return try Host.addresses.map { address in
        let url = "http://\(address.contains(":") ? "[\(address)]" : address):8000/file"
        let sandbox = try Sandbox(["--fetch", url])
        let outcome = sandbox.guest.process.wait()
        return Result(report: GuestReport(outcome: outcome), hasGone: try waitForEnd(of: sandbox.bridge))
      }
    }
    for result in results {
      let report = result.report
      #expect(result.hasGone)
      #expect(report.faults.isEmpty, "\(report)")
      #expect(report.outcome.number("bytes") == byteCount)
      #expect(report.outcome.text("sha256") == String(digest))
    }
  }
}
