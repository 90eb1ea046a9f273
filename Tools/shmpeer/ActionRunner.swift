import Eventfd
import LinkCore
import LinkSystem

/// What an action's two threads share: the link's, which calls back, and the main thread, which waits.
final class Progress: Sendable {
  private let bell: EventFD
  private let ends = Lock<[LinkCloseReason]>([])

  init() throws(Failure) {
    do { bell = try EventFD() } catch { throw Failure(error, "event counter", advice: "raise the limit of open files") }
  }

  /// Why the link is over, of several the first; nil while none is.
  var closeReason: LinkCloseReason? { ends.withLock { $0.first } }
  /// How many links are over.
  var endCount: Int { ends.withLock { $0.count } }

  /// A link is over: for `linkDidClose`.
  func end(_ reason: LinkCloseReason) {
    ends.withLock { $0.append(reason) }
    ring()
  }

  /// Wakes the main thread.
  func ring() {
    // The counter is ours alone: it can be full, which rings as well, and nothing else.
    do { try bell.notify() } catch { assertionFailure("the tool's own bell: \(error)") }
  }

  /// The main thread waits until somebody rings.
  func wait(_ watch: Watch, until deadline: UInt64?) -> Watch.Wake {
    let wake = watch.wait(bell.descriptor, until: deadline)
    do { _ = try bell.read() } catch { assertionFailure("the tool's own bell: \(error)") }
    return wake
  }
}

/// An action on a link: it takes what the link delivers, and does its own part on the main thread.
protocol ActionRunner: LinkDispatcher {
  var progress: Progress { get }
  /// Whether it has done all it was asked for.
  var isDone: Bool { get }
  /// Whether it was asked for so much that a link can end too early.
  var hasGoal: Bool { get }
  /// Whether a signal ends it too early: a receiver is judged by what it saw until then.
  var isSender: Bool { get }
  /// When the last packets came, as `monotonicNanoseconds`; 0: never.
  var lastArrival: UInt64 { get }
  /// Sends what there is to send; called by the main thread again and again until `isDone`. Returns when there is
  /// nothing to do before `progress` rings, or at the latest in the number of nanoseconds that it returns.
  func proceed() -> UInt64?
  /// What it did and saw.
  func fill(_ report: inout Report)
}

extension ActionRunner {
  var isSender: Bool { false }
  var lastArrival: UInt64 { 0 }
  func linkDidClose(_ reason: LinkCloseReason) { progress.end(reason) }
}
