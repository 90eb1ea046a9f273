import Foundation
import LinkCore
import SharedMemLink
import Testing

@Suite struct `The README` {
  static let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
    .deletingLastPathComponent()

  @Test func `shows the example that is compiled and run here`() throws {
    let readme = try String(contentsOf: Self.root.appending(path: "README.md"), encoding: .utf8)
    let example = try String(
      contentsOf: Self.root.appending(path: "Tests/APITests/ReadmeExample.swift"), encoding: .utf8)
    #expect(readme.contains("```swift\n" + example + "```\n"))
  }

  @Test func `has an example that carries a packet between two ends`() async throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)").path
    let server = Thread.running { try serveOnePeer(at: path) }
    // The listener appears when the server has got that far.
    let deadline = ContinuousClock.now + .seconds(5)
    var outcome: LinkError?
    repeat {
      do {
        try sendOnePacket(to: path)
        outcome = nil
      } catch { outcome = error }
    } while outcome != nil && ContinuousClock.now < deadline
    #expect(outcome == nil)
    #expect(await server.value == nil)
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

extension Thread {
  /// Runs blocking work on a thread of its own; its value is the error it ended with.
  fileprivate static func running(_ body: @escaping @Sendable () throws -> Void) -> Task<String?, Never> {
    Task.detached {
      await withCheckedContinuation { continuation in
        Thread.detachNewThread {
          do {
            try body()
            continuation.resume(returning: nil)
          } catch { continuation.resume(returning: "\(error)") }
        }
      }
    }
  }
}
