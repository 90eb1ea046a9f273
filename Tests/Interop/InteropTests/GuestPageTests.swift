import Foundation
import Testing

@Suite struct `The page on gVisor guests` {
  private static let interop = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
  private static let root = interop.deletingLastPathComponent().deletingLastPathComponent()

  @Test(arguments: [("swift", "InteropTests/GuestExample.swift"), ("go", "gvisorpeer/guest.go")])
  func `shows the code that the tests run`(language: String, path: String) throws {
    let page = try String(contentsOf: Self.root.appending(path: "Documentation/GVisorGuest.md"), encoding: .utf8)
    let code = try String(contentsOf: Self.interop.appending(path: path), encoding: .utf8)
    #expect(page.contains("```\(language)\n" + code + "```\n"))
  }
}
