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

  @Test func `has an example that carries a packet between two ends`() throws {
    let path = FileManager.default.temporaryDirectory.appending(path: "readme-\(UUID().uuidString)").path
    let server = Outcome()
    Thread.detachNewThread {
      do throws(LinkError) {
        try serveOnePeer(at: path)
        server.set("served")
      } catch { server.set("\(error)") }
    }
    // The listener appears when the server has got that far.
    let deadline = Date.now + 30
    var failure: LinkError?
    repeat {
      do throws(LinkError) {
        try sendOnePacket(to: path)
        failure = nil
      } catch { failure = error }
    } while failure != nil && Date.now < deadline
    #expect(failure == nil)
    #expect(server.value == "served")
    #expect(!FileManager.default.fileExists(atPath: path))
  }
}

/// A text that another thread sets once.
private final class Outcome: @unchecked Sendable {
  private let condition = NSCondition()
  private var text: String?

  func set(_ text: String) {
    condition.withLock {
      self.text = text
      condition.broadcast()
    }
  }

  /// Waits for it; nil after half a minute.
  var value: String? {
    condition.withLock {
      let deadline = Date.now + 30
      while text == nil, condition.wait(until: deadline) {}
      return text
    }
  }
}
