import Foundation
import LinkSystem
import LinkTestSupport
import Testing

/// A `shmpeer serve --keep --echo`, and what it holds.
private struct EchoServer {
  let path: String
  let process: Peer

  init(path: String = socketPath()) throws {
    self.path = path
    process = try Peer(["serve", "--socket", path, "--keep", "--echo", "--json"])
    let process = process
    #expect(try eventually { process.messagesSoFar.contains("serving at") })
  }

  func connect(_ action: String...) throws -> Peer {
    try Peer(["connect", "--socket", path, "--json"] + action)
  }

  /// How many entries a folder of the process in /proc has.
  private func count(_ folder: String) throws -> Int {
    try FileManager.default.contentsOfDirectory(atPath: "/proc/\(process.processIdentifier)/\(folder)").count
  }
  /// Descriptors, threads and shared mappings.
  func holdings() throws -> [Int] {
    let maps =
      try FileHandle(forReadingFrom: URL(filePath: "/proc/\(process.processIdentifier)/maps")).readToEnd() ?? Data()
    let shared = String(decoding: maps, as: UTF8.self).split(separator: "\n").filter { $0.contains("/memfd:link-") }
    return [try count("fd"), try count("task"), shared.count]
  }

  /// After a first link, once that is gone.
  func idleHoldings() throws -> [Int] {
    try expectPing()
    let threadCount = isThreadSanitized ? 2 : 1
    #expect(try eventually { try Array(holdings()[1...]) == [threadCount, 0] })
    return try holdings()
  }

  func expectHoldings(_ expected: [Int]) throws {
    var now: [Int] = []
    _ = try eventually {
      now = try holdings()
      return zip(now, expected).allSatisfy { $0 <= $1 }
    }
    // What the first link left for a moment may have been counted in.
    #expect(zip(now, expected).allSatisfy { $0 <= $1 }, "\(now), before \(expected)")
  }

  func expectPing() throws {
    let outcome = try connect("--ping", "20", "--timeout", "30").wait()
    #expect(outcome.ending == .exited(0), "\(outcome)")
  }
}

@Suite struct `A kept server` {
  @Test func `serves the next good client behind a hundred bad ones, also those that came while it was busy`() throws {
    let server = try EchoServer()
    let before = try server.idleHoldings()
    var random = SeededRandom("bad clients")
    do {
      let crowd = Crowd()
      func misbehave(_ count: Int) throws {
        for index in 0..<count {
          crowd.add(try BadClient.allCases.randomElement(using: &random)!.commit(server.path, index * 5 / 2))
        }
      }
      try misbehave(50)
      try server.expectPing()
      let sitter = try server.connect("--sink", "--stats", "0.05")
      #expect(try eventually { sitter.isTransferring })
      try misbehave(50)
      let next = try server.connect("--ping", "20", "--timeout", "30")
      sitter.signal(SIGTERM)
      let outcome = next.wait()
      #expect(outcome.ending == .exited(0), "\(outcome)")
      _ = sitter.wait()
    }
    try server.expectHoldings(before)
    server.process.signal(SIGTERM)
    let outcome = server.process.wait()
    #expect(outcome.output.split(separator: "\n").count == 4, "\(outcome)")
  }

  @Test func `takes a client back that is killed and started again, many times`() throws {
    let server = try EchoServer()
    let before = try server.idleHoldings()
    for _ in 0..<20 {
      let client = try Peer(["connect", "--socket", server.path] + endlessSource)
      #expect(try eventually { client.isTransferring })
      client.signal(SIGKILL)
      _ = client.wait()
    }
    try server.expectPing()
    try server.expectHoldings(before)
    server.process.signal(SIGTERM)
    #expect(server.process.wait().output.split(separator: "\n").count == 22)
  }

  @Test func `that is killed and started again takes its place back`() throws {
    let path = socketPath()
    for _ in 0..<5 {
      let server = try EchoServer(path: path)
      try server.expectPing()
      server.process.signal(SIGKILL)
      _ = server.process.wait()
    }
    UnixSocket.removeFile(path)
  }
}
