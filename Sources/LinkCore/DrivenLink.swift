/// A link made with `LinkOptions.Drive.caller`: its owner calls `step()` until there is nothing to do, then waits as
/// `prepareToWait()` says, then steps again.
///
///     while true {
///       switch link.step() {
///       case .delivered: continue
///       case .closed, .notAttached: return
///       case .idle, .starved: if let plan = link.prepareToWait() { waitAsPlanned(plan) }
///       }
///     }
///
/// `LinkLoop` of the module Eventfd does so for several links at once.
///
/// After `close()` it goes on until it returns `closed`: that step releases everything and tells the dispatcher.
public protocol DrivenLink: LinkEndpoint {
  /// One turn: receives at most a batch, delivers it from this thread, and never blocks. Where packets come one at a time
  /// through shared memory, to who steps faster than they come, it may let a microsecond pass first, so that more of them come
  /// at once; now and then it tries whether that pays (`LinkEvent.temporalSlip`).
  ///
  /// While another thread is in a turn of the same link it does nothing, and returns `idle`.
  ///
  /// It disarms the bells of every plan made before. Where several threads drive a link, each that steps goes on until it
  /// has a plan of its own: others may be asleep.
  func step() -> LinkStep
  /// Arms the link's bells and looks once more. True: what ends its wait was added to `plan`, which may be several links'.
  /// False: there is something to do, step again. A link that is not attached waits for the next `attach`, or the end.
  func prepareToWait(addingTo plan: inout LinkWaitPlan) -> Bool
}

extension DrivenLink {
  /// A plan for this link alone. Nil: there is something to do, step again.
  public func prepareToWait() -> LinkWaitPlan? {
    var plan = LinkWaitPlan()
    return prepareToWait(addingTo: &plan) ? plan : nil
  }
}

/// What a turn of a link came to.
public enum LinkStep: Equatable, Sendable {
  /// A batch was delivered; more may be there.
  case delivered
  /// Nothing was there.
  case idle
  /// The packet pool is empty: the link goes on when packets come home.
  case starved
  /// The link is not attached.
  case notAttached
  /// The link is closed.
  case closed
}

/// What to wait for until the next step.
public struct LinkWaitPlan: Equatable, Sendable {
  /// One descriptor and the `poll(2)` events that end the wait. It stays the link's.
  public struct Entry: Equatable, Sendable {
    public var descriptor: Int32
    public var events: Int16

    package init(descriptor: Int32, events: Int16) {
      self.descriptor = descriptor
      self.events = events
    }
  }
  public var entries: [Entry]
  /// Step again after this time even if nothing happened; nil: there is no need to.
  public var timeout: Duration?

  /// For nothing, and for ever.
  public init() { self.init(entries: [], timeout: nil) }

  package init(entries: [Entry], timeout: Duration?) {
    self.entries = entries
    self.timeout = timeout
  }

  /// As a new one, in the same memory.
  public mutating func removeAll() {
    entries.removeAll(keepingCapacity: true)
    timeout = nil
  }
}
