import LinkCore
import LinkSystem

/// What the processes of a demonstration tell each other, beside the link: short messages of words.
struct ControlChannel: ~Copyable {
  private let socket: OwnedDescriptor
  private let watch: Watch

  init(_ socket: consuming OwnedDescriptor, _ watch: Watch) {
    self.socket = socket
    self.watch = watch
  }

  func send(_ text: String) throws(Failure) {
    do { try DescriptorMessage(bytes: Array(text.utf8)).send(on: socket.number) } catch { throw Self.broken }
  }

  /// The words of the next message. A message that begins with `error` is the other process's failure, and is thrown.
  func receive(until deadline: UInt64) throws(Failure) -> [String] {
    while true {
      switch watch.wait(socket.number, until: deadline) {
      case .signal: throw Failure(.unverified, "ended by a signal")
      case .timedOut: throw Failure(.unverified, "the other process of the demonstration did not answer in time")
      case .ready: break
      }
      var message: DescriptorMessage?
      do { message = try DescriptorMessage.receive(on: socket.number, limit: 4096) } catch { throw Self.broken }
      guard var message else { continue }
      message.closeAll()
      let words = String(decoding: message.bytes, as: UTF8.self).split(separator: " ").map(String.init)
      guard let first = words.first else { throw Self.broken }
      guard first == "error" else { return words }
      let code = words.dropFirst().first.flatMap { Int32($0) }.flatMap(ExitCode.init)
      throw Failure(code ?? .unverified, words.dropFirst(2).joined(separator: " "))
    }
  }

  /// Asks, and takes the numbers of the answer, which begins with `answer`.
  func ask(_ question: String, expecting answer: String, until deadline: UInt64) throws(Failure) -> [UInt64] {
    try send(question)
    return try expect(answer, until: deadline)
  }

  func expect(_ answer: String, until deadline: UInt64) throws(Failure) -> [UInt64] {
    let words = try receive(until: deadline)
    guard words[0] == answer else { throw Self.broken }
    return words.dropFirst().map { UInt64($0) ?? 0 }
  }

  /// Tells the other process why this one gives up.
  func report(_ failure: Failure) {
    do { try send("error \(failure.code.rawValue) \(failure.message)") } catch {}
  }

  /// Waits until the other process has let go of its end.
  func waitForEnd(until deadline: UInt64) {
    while monotonicNanoseconds() < deadline {
      do { if try receive(until: deadline).isEmpty { return } } catch  where error == Self.broken { return } catch {
        if watch.isSignalled { return }
      }
    }
  }

  private static let broken = Failure(.unverified, "the other process of the demonstration ended too early")
}
