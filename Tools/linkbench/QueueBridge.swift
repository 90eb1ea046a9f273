import CBaselines
import Eventfd
import LinkCore
import LinkSystem
import SharedMemLink

/// Who carries packets from one link to another, in the second process: a server where they come from, a client where they go.
struct QueueBridge: Equatable {
  var contender: Contender
  var byteCount: Int

  private static let word = "bridge"
  private static let batch = 32

  init(_ contender: Contender, byteCount: Int) { (self.contender, self.byteCount) = (contender, byteCount) }

  var words: [String] { [Self.word, contender.rawValue, "\(byteCount)"] }

  init?(_ words: ArraySlice<String>) {
    let words = Array(words)
    guard words.count == 3, words[0] == Self.word, let contender = Contender(rawValue: words[1]),
      let byteCount = Int(words[2])
    else { return nil }
    self.init(contender, byteCount: byteCount)
  }

  func open(_ source: consuming QueuePair, _ target: consuming QueuePair) throws -> any RunningEnd {
    if contender == .ours { return try LinkBridgeEnd(source, target, byteCount: byteCount) }
    return BaselineBridge(source: try end(.server).openBaseline(source), target: try end(.client).openBaseline(target))
  }

  /// Where packets begin and end, in the first process: in C, whoever carries them.
  func openNear(_ source: consuming QueuePair, _ target: consuming QueuePair) throws -> Circulation {
    Circulation(to: try end(.client).openBaseline(source), from: try end(.server).openBaseline(target))
  }

  private func end(_ role: SharedMemEndpoint.Role) -> QueueEnd {
    QueueEnd(role, contender == .plain ? .plain : .tuned, batch: Self.batch, byteCount: byteCount)
  }
}

/// Sends over one link, and receives what a bridge made of it over another.
struct Circulation {
  let to: CInt
  let from: CInt

  func run(_ count: Int) -> Moved { Moved(cb_link_circulate(to, from, UInt64(count))) }

  func close() {
    cb_link_close(to)
    cb_link_close(from)
  }
}

private struct BaselineBridge: RunningEnd {
  let source: CInt
  let target: CInt

  func echo(_ count: Int) { _ = cb_link_forward(source, target, false, UInt64(count)) }

  func close() {
    cb_link_close(source)
    cb_link_close(target)
  }
}

/// A bridge as programs have it: one thread for both links.
private final class LinkBridgeEnd: RunningEnd {
  private let bridge: LinkBridge
  private let hasEnded = Latch()

  init(_ source: consuming QueuePair, _ target: consuming QueuePair, byteCount: Int) throws {
    var options = LinkOptions(mtu: max(1500, byteCount))
    options.drive = .caller
    let near = try SharedMemEndpoint(.server, queues: source, options: options)
    let far = try SharedMemEndpoint(.client, queues: target, options: options)
    bridge = LinkBridge(near, far)
    try bridge.start()
    let loop = LinkLoop([near, far], spin: options.spin)
    _ = try SystemThread(name: "bench-bridge") { [hasEnded] in
      defer { hasEnded.open() }
      do { try loop.run() } catch { Console.write("linkbench: bridge: \(error)", to: .error) }
    }
  }

  /// Its thread hands on whatever comes, whenever.
  func echo(_ count: Int) {}

  func close() {
    bridge.close()
    hasEnded.wait()
  }
}
