import Foundation
import LinkSystem
import LinkTestSupport

/// `gvisorpeer`, the Go program around gVisor's own endpoints, built when it is needed first.
package enum GvisorPeer {
  /// Debian's packages that it is built of.
  package static let packages = ["golang-go", "golang-gvisor-gvisor-dev"]

  /// Whether they are here.
  package static let isBuildable = [
    "/usr/bin/go", "/usr/share/gocode/src/gvisor.dev/gvisor/pkg/tcpip/link/sharedmem",
  ].allSatisfy(FileManager.default.fileExists)

  /// The executable, which lies beside those of this package.
  package static func path() throws -> String { try executable.get() }

  private static let executable = Result<String, any Error> {
    let path = Peer.path(of: "gvisorpeer")
    let go = URL(filePath: #filePath).deletingLastPathComponent().deletingLastPathComponent().appending(path: "go").path
    // All of gVisor's packages, if nobody has built them before.
    let outcome = try Peer(["build", "-o", path], executable: go).wait(deadline: deadline(after: .seconds(600)))
    guard outcome.ending == .exited(0) else { throw BuildFailure(messages: outcome.messages) }
    return path
  }

  /// Go did not take the program.
  package struct BuildFailure: Error { package var messages: String }
}
