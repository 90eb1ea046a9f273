import Glibc
package import LinkSystem

/// The command line of victims. In its words `{role}`, `{tx-fds}`, `{rx-fds}`, `{peer-fd}` and `{socket}` are filled in.
package struct VictimCommand: Sendable {
  /// On inherited descriptors: to receive only, and to send back what it gets.
  package var receiver: [String]
  package var sender: [String]
  /// What either of them is told besides where the memory files are not sealed.
  package var unsealed: [String]
  /// With a hand-over at `{socket}`; nil: it does none.
  package var client: [String]?
  package var server: [String]?

  package init(
    receiver: [String], sender: [String], unsealed: [String] = [], client: [String]?, server: [String]?
  ) {
    self.receiver = receiver
    self.sender = sender
    self.unsealed = unsealed
    self.client = client
    self.server = server
  }
}

/// A victim in a process of its own.
package final class ProcessVictim: Victim {
  package let role: LinkRole
  private let command: VictimCommand
  private let path: String
  private let output: OwnedDescriptor
  private let messages: OwnedDescriptor
  private var listener: OwnedDescriptor?
  private var process: CInt = 0
  private let ended = Monitor(End?.none)

  private struct End: Sendable {
    var status: CInt
    var usage: VictimUsage
    var ateTooMuch: Bool
  }

  /// Whoever has more than this is killed before it takes the machine along.
  private static let mostBytes = 1 << 30
  /// Where the victim finds its descriptors.
  private static let firstNumber: CInt = 10

  package init(_ role: LinkRole, _ command: VictimCommand) throws {
    self.role = role
    self.command = command
    path = "/tmp/hostile-\(getpid())-\(UInt32.random(in: 0...UInt32.max)).sock"
    output = try .unsealedMemory(byteCount: 0)
    messages = try .unsealedMemory(byteCount: 0)
  }

  deinit {
    if process != 0, !hasEnded {
      ChildProcess.signal(SIGKILL, to: process)
      _ = ended.wait { $0 }
    }
    UnixSocket.removeFile(path)
  }

  // MARK: Starting

  package func start(_ files: LinkFiles, sends: Bool) throws {
    let numbers = files.descriptors + [files.victimSocket]
    let places = numbers.indices.map { Self.firstNumber + CInt($0) }
    let words = (sends ? command.sender : command.receiver) + (files.isSealed ? [] : command.unsealed)
    try spawn(words, Array(zip(numbers, places)))
  }

  package func connection() throws -> OwnedDescriptor {
    let deadline = monotonicNanoseconds() &+ 10_000_000_000
    if process == 0 {
      if role == .client { listener = try UnixSocket.listen(path: path) }
      try spawn((role == .client ? command.client : command.server) ?? [], [])
    }
    while monotonicNanoseconds() < deadline, !hasEnded {
      switch listener {
      case .some(let listener): if let socket = try UnixSocket.accept(listener) { return socket }
      // A server needs a moment until it listens.
      case nil: if let socket = try? UnixSocket.connect(path: path) { return socket }
      }
      HostilePeer.pause()
    }
    throw Complaint("the victim did not come to its socket: \(lastMessage)")
  }

  private func spawn(_ words: [String], _ descriptors: [(CInt, CInt)]) throws {
    guard let first = words.first else { throw Complaint("no command for a victim") }
    let list = (0..<10).map { "\(Int(Self.firstNumber) + $0)" }
    let fillings = [
      "{role}": role.rawValue, "{tx-fds}": list[..<5].joined(separator: ","),
      "{rx-fds}": list[5...].joined(separator: ","), "{peer-fd}": "\(Self.firstNumber + 10)", "{socket}": path,
    ]
    let filled = words.map { word in fillings.reduce(word) { $0.replacing($1.key, with: $1.value) } }
    // A name without a path is looked for where a shell would.
    let arguments = first.contains("/") ? filled : ["/usr/bin/env"] + filled
    let child = try ChildProcess(
      arguments, descriptors: [(output.number, 1), (messages.number, 2)] + descriptors)
    process = child.identifier
    _ = try SystemThread(name: "watcher") { [ended, process] in Self.watch(process, ended) }
  }

  private static func watch(_ process: CInt, _ ended: Monitor<End?>) {
    var ateTooMuch = false
    while true {
      if let usage = VictimUsage(ofProcess: process), usage.residentByteCount > mostBytes {
        ateTooMuch = true
        ChildProcess.signal(SIGKILL, to: process)
      }
      if let end = endOf(process) {
        let usage = VictimUsage(
          descriptorCount: 0, residentByteCount: end.peakByteCount, processorNanoseconds: end.processorNanoseconds,
          busyNanoseconds: 0)
        ended.withLock { $0 = End(status: end.status, usage: usage, ateTooMuch: ateTooMuch) }
        return
      }
      _ = try? poll(-1, [], nanoseconds: 2_000_000)
    }
  }

  // MARK: Looking

  package var hasEnded: Bool { ended.withLock { $0 != nil } }

  package var usage: VictimUsage? {
    if process == 0 { return nil }
    if let end = ended.withLock({ $0 }) { return end.usage }
    return VictimUsage(ofProcess: process)
  }

  private var lastMessage: String {
    text(of: messages.number).split(separator: "\n").last.map(String.init) ?? ""
  }

  /// The close reason of its JSON, or its last words.
  private var reason: String {
    let key = "\"close_reason\":\""
    let parts = text(of: output.number).split(separator: key, maxSplits: 1)
    guard parts.count == 2 else { return lastMessage }
    return String(parts[1].prefix { $0 != "\"" })
  }

  // MARK: Ending

  package func end(within limit: Duration) -> VictimEnding {
    let began = monotonicNanoseconds()
    if process == 0 { return VictimEnding(fault: "it never started", isRefusal: false, reason: "", milliseconds: 0) }
    if !hasEnded { ChildProcess.signal(SIGTERM, to: process) }
    let deadline = began &+ UInt64(limit / .nanoseconds(1))
    let inTime = ended.wait(deadline: deadline) { $0 }
    if inTime == nil { ChildProcess.signal(SIGKILL, to: process) }
    guard let end = inTime ?? ended.wait({ $0 }) else { preconditionFailure("without a deadline") }
    var ending = VictimEnding(
      isRefusal: end.status & 0x7f == 0 && end.status >> 8 != 0, reason: reason,
      milliseconds: Double(monotonicNanoseconds() &- began) / 1e6)
    ending.fault = fault(of: end, wasInTime: inTime != nil)
    return ending
  }

  private func fault(of end: End, wasInTime: Bool) -> String? {
    let signal = end.status & 0x7f
    let code = end.status >> 8 & 0xff
    if end.ateTooMuch { return "it took more than \(Self.mostBytes >> 20) MiB" }
    if !wasInTime { return "it did not end when told to" }
    // One that does not catch it was ended by our own.
    if signal == SIGTERM || (signal == 0 && [0, 1, 3, 4].contains(code)) { return nil }
    let words = lastMessage.isEmpty ? "" : ": \(lastMessage)"
    return (signal != 0 ? "signal \(signal)" : "exit code \(code)") + words
  }
}
