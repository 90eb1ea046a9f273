import Foundation
package import LinkSystem

/// One run of `shmpeer`, or of another tool, in a process of its own, its output caught in memory files.
package final class Peer: Sendable {
  /// What a run left.
  package struct Outcome: Sendable {
    package var ending: ChildProcess.Ending
    package var output: String
    package var messages: String

    /// The one JSON object on standard output; nil if there is not exactly one line with one.
    package var json: [String: Any]? {
      let lines = output.split(separator: "\n")
      guard lines.count == 1, let object = try? JSONSerialization.jsonObject(with: Data(lines[0].utf8)) else {
        return nil
      }
      return object as? [String: Any]
    }
    package func number(_ key: String) -> Int? { (json?[key] as? NSNumber)?.intValue }
    package func decimal(_ key: String) -> Double? { (json?[key] as? NSNumber)?.doubleValue }
    package func text(_ key: String) -> String? { json?[key] as? String }
    /// It was not killed.
    package var hasExited: Bool {
      if case .exited = ending { return true }
      return false
    }
    package var messageLines: [Substring] { messages.split(separator: "\n") }
  }

  package let processIdentifier: Int32
  private let output: OwnedDescriptor
  private let messages: OwnedDescriptor
  private let ending = Monitor(ChildProcess.Ending?.none)

  /// The executables lie beside the tests'.
  package static func path(of tool: String) -> String {
    URL(filePath: "/proc/self/exe").resolvingSymlinksInPath().deletingLastPathComponent().appending(path: tool).path
  }
  package static let path = path(of: "shmpeer")

  /// `descriptors`: numbers here to numbers there. `diesWithThread`: it would go on for ever without this process: the kernel
  /// kills it when the calling thread ends, however that comes. `setpriv(1)`.
  package init(
    _ arguments: [String], descriptors: [(here: CInt, there: CInt)] = [], executable: String = Peer.path,
    diesWithThread: Bool = false
  ) throws {
    let leash = diesWithThread ? ["/usr/bin/setpriv", "--pdeathsig", "KILL"] : []
    output = try OwnedDescriptor.unsealedMemory(byteCount: 0)
    messages = try OwnedDescriptor.unsealedMemory(byteCount: 0)
    let child = try ChildProcess(
      leash + [executable] + arguments, descriptors: [(output.number, 1), (messages.number, 2)] + descriptors)
    let identifier = child.identifier
    processIdentifier = identifier
    _ = try SystemThread(name: "reaper") { [ending] in
      ChildProcess.awaitEnd(of: identifier)
      ending.withLock { $0 = ChildProcess.wait(for: identifier) }
    }
  }

  /// A memory file from its start; the child goes on writing where it was.
  private static func text(of file: borrowing OwnedDescriptor) -> String {
    let data = FileManager.default.contents(atPath: "/proc/self/fd/\(file.number)") ?? Data()
    return String(decoding: data, as: UTF8.self)
  }

  /// Standard output so far.
  package var outputSoFar: String { Self.text(of: output) }
  /// Standard error so far.
  package var messagesSoFar: String { Self.text(of: messages) }

  /// Signals it at the deadline, unless it has ended by then.
  package func signal(_ number: Int32, unlessEndedBy end: UInt64) {
    if ending.wait(deadline: end, { $0 }) == nil { signal(number) }
  }

  /// Signals it, unless it has ended: its number may be another's then.
  package func signal(_ number: Int32) {
    ending.withLock { if $0 == nil { ChildProcess.signal(number, to: processIdentifier) } }
  }

  /// Waits for its end; kills it at the deadline.
  package func wait(deadline end: UInt64 = deadline(after: .seconds(60))) -> Outcome {
    let known = ending.wait(deadline: end) { $0 }
    if known == nil { signal(SIGKILL) }
    let how = known ?? ending.wait { $0 }!
    let late = known == nil ? "\nkilled by the test: it did not end in time" : ""
    return Outcome(ending: how, output: Self.text(of: output), messages: messagesSoFar + late)
  }

  /// Runs it to its end.
  package static func run(_ arguments: String...) throws -> Outcome { try Peer(arguments).wait() }
}

/// A path for a socket that this test alone uses.
package func socketPath() -> String { "/tmp/shmpeer-test-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock" }
