import Foundation
import LinkSystem
import LinkTestSupport
import Testing

@Suite struct UnixSocketTests {
  /// Runs `body` with a path in a directory of its own, which goes away again.
  private func withPath(_ body: (String) throws -> Void) throws {
    let directory = FileManager.default.temporaryDirectory.appending(path: "link-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: false)
    defer { try? FileManager.default.removeItem(at: directory) }
    try body(directory.appending(path: "s").path)
  }

  @Test func `a listener accepts what connects`() throws {
    try withPath { path in
      let listener = try UnixSocket.listen(path: path)
      let early = try UnixSocket.accept(listener)?.release()
      #expect(early == nil)
      let client = try UnixSocket.connect(path: path)
      guard let server = try UnixSocket.accept(listener) else {
        Issue.record("no connection")
        return
      }
      try DescriptorMessage(bytes: [7]).send(on: client.number)
      let message = try DescriptorMessage.receive(on: server.number, limit: 4)
      #expect(message?.bytes == [7])
      for number in [listener.number, client.number, server.number] {
        #expect(fcntl(number, F_GETFD) & FD_CLOEXEC != 0)
        #expect(fcntl(number, F_GETFL) & O_NONBLOCK != 0)
      }
    }
  }

  @Test func `a socket file that nobody listens on is replaced`() throws {
    try withPath { path in
      do { _ = try UnixSocket.listen(path: path) }
      #expect(FileManager.default.fileExists(atPath: path))
      #expect(throws: SystemError.self) { _ = try UnixSocket.connect(path: path) }
      let listener = try UnixSocket.listen(path: path)
      _ = try UnixSocket.connect(path: path)
      _ = listener.number
    }
  }

  @Test func `a socket in use and a file that is no socket are left alone`() throws {
    try withPath { path in
      let listener = try UnixSocket.listen(path: path)
      let error = #expect(throws: SystemError.self) { _ = try UnixSocket.listen(path: path) }
      #expect(error?.number == EADDRINUSE)
      _ = try UnixSocket.connect(path: path)
      _ = listener.number
    }
    try withPath { path in
      try Data("precious".utf8).write(to: URL(filePath: path))
      let error = #expect(throws: SystemError.self) { _ = try UnixSocket.listen(path: path) }
      #expect(error?.number == EADDRINUSE)
      #expect(try String(contentsOfFile: path, encoding: .utf8) == "precious")
    }
  }

  @Test func `impossible paths are errors that say so`() {
    for path in ["", String(repeating: "x", count: 108)] {
      let error = #expect(throws: SystemError.self) { _ = try UnixSocket.listen(path: path) }
      #expect(error?.number == ENAMETOOLONG)
    }
    let error = #expect(throws: SystemError.self) { _ = try UnixSocket.connect(path: "/nonexistent/s") }
    #expect(error?.number == ENOENT)
    #expect(error?.operation.contains("/nonexistent/s") == true)
  }

  @Test(arguments: [UnixSocket.Kind.seqpacket, .datagram, .stream])
  func `both ends of a pair are connected and do not block`(kind: UnixSocket.Kind) throws {
    let pair = try UnixSocket.pair(kind)
    let nothing = try poll(pair.second.number, .input, nanoseconds: 0)
    #expect(nothing.isEmpty)
    try DescriptorMessage(bytes: [1]).send(on: pair.first.number)
    try DescriptorMessage(bytes: [2]).send(on: pair.first.number)
    let input = try poll(pair.second.number, .input, nanoseconds: nil)
    #expect(input == .input)
    #expect(PacketIO.discardInput(pair.second.number, limit: 64) == (kind == .stream ? 1 : 2))
  }

  @Test func `input is thrown away within the limit`() throws {
    let pair = try UnixSocket.pair(.seqpacket)
    for number in 0..<10 {
      try DescriptorMessage(bytes: [UInt8](repeating: 1, count: 1 + number * 100)).send(on: pair.first.number)
    }
    #expect(PacketIO.discardInput(pair.second.number, limit: 4) == 4)
    #expect(PacketIO.discardInput(pair.second.number, limit: 100) == 6)
    #expect(PacketIO.discardInput(pair.second.number, limit: 100) == 0)
  }
}
