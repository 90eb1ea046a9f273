import FDLink
import Foundation
import LinkTestSupport
import Testing

/// The published list of system calls: links live under filters that are made of it.
struct SystemCallTests {
  @Test(arguments: FilteredLink.allCases.filter { !$0.needsPrivileges })
  func `a link over a socket pair makes the listed system calls only`(_ link: FilteredLink) throws {
    try link.live()
  }

  @Test(
    .enabled(if: canMakeDevices, "needs root and /dev/net/tun"),
    arguments: FilteredLink.allCases.filter(\.needsPrivileges))
  func `a link over an interface makes the listed system calls only`(_ link: FilteredLink) throws {
    try link.live()
  }

  @Test func `the documentation has the list that the filters are made of`() throws {
    let root = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent()
    let page = try String(contentsOf: root.appending(path: "Documentation/SystemCalls.md"), encoding: .utf8)
    for list in CallLists.all {
      #expect(page.contains(list.markdown), "Documentation/SystemCalls.md has to have:\n\(list.markdown)")
    }
  }
}
