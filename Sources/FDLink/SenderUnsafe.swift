import LinkCore
import LinkSystem

/// What a sender that was refused waits for.
enum RoomWish: Equatable {
  case none
  /// Until the descriptor polls writable.
  case writable
  /// Until this time on the monotonic clock: the kernel announces nothing, or announced room that was not there.
  case timer(UInt64)
}

/// The sending half of a link. It lives under a lock of its own: senders come from any thread.
struct Sender: ~Copyable {
  /// Closed when this becomes nil.
  private var file: OwnedDescriptor?
  private let isSocket: Bool
  private var tally = LinkTally()
  private let published: PublishedTally
  private(set) var wish = RoomWish.none
  /// Room was announced and nothing was taken since.
  private var hasAnnounced = false
  /// A write met the end of the link.
  private var ending: LinkCloseReason?

  init(file: consuming OwnedDescriptor, isSocket: Bool, published: PublishedTally) {
    self.file = consume file
    self.isSocket = isSocket
    self.published = published
  }

  /// Why a write took no more packets.
  enum Stop {
    case finished
    /// Room is wanted; whether it was not before.
    case full(isNews: Bool)
    case ended(LinkCloseReason, isNews: Bool)
    case released
  }

  /// After so many nanoseconds a full transmit queue is tried again: about what such a queue takes to drain.
  private static let roomCheck: UInt64 = 1_000_000

  /// Sends a prefix; returns its length and why it is not longer.
  mutating func send(_ packets: Span<PacketBuffer>, _ limits: SendLimits) -> (accepted: Int, stop: Stop) {
    guard let descriptor = file?.number else { return (0, .released) }
    if let ending { return (0, .ended(ending, isNews: false)) }
    let before = tally.packets
    var stop = Stop.finished
    var index = 0
    while index < packets.count {
      if let cause = limits.refusal(of: packets[index]) {
        tally[cause] += 1
      } else {
        // SAFETY: the packet is borrowed for the call.
        let bytes = unsafe packets[index].frameBytes
        let result = unsafe isSocket ? PacketIO.send(descriptor, bytes) : PacketIO.write(descriptor, bytes)
        if result >= 0 {
          tally.packets &+= 1
          tally.bytes &+= UInt64(bytes.count)
        } else if let reason = self.stop(CInt(-result)) {
          stop = reason
          break
        }
      }
      index += 1
    }
    if tally.packets != before {
      tally.batches &+= 1
      hasAnnounced = false
    }
    switch stop {
    case .finished: wish = .none
    case .full: tally[.refusedWrite] += 1
    case .ended, .released: break
    }
    published.publish(&tally)
    return (index, stop)
  }

  /// What an errno means for the write under way; nil: this packet is lost and counted.
  private mutating func stop(_ number: CInt) -> Stop? {
    let operation = isSocket ? "send" : "write"
    switch ErrnoClass(sending: number) {
    case .wouldBlock:
      let isNews = wish == .none
      // Room that was announced and is not there would be announced again and again.
      let willPoll = ErrnoClass.announcesRoom(after: number) && !hasAnnounced
      wish = willPoll ? .writable : .timer(monotonicNanoseconds() &+ Self.roomCheck)
      return .full(isNews: isNews)
    case .drop:
      tally[.refused] += 1
      return nil
    case .linkDown:
      tally[.linkDown] += 1
      return nil
    case .peerGone: return end(.peerDisconnected)
    case .ownMistake:
      assertionFailure("\(operation) on our descriptor: \(errorMessage(number))")
      return end(.failed(LinkError(SystemError(operation, number))))
    case .fatal: return end(.failed(LinkError(SystemError(operation, number))))
    }
  }

  private mutating func end(_ reason: LinkCloseReason) -> Stop {
    ending = reason
    wish = .none
    return .ended(reason, isNews: true)
  }

  /// Whether room that was wanted is there now. The wish is over then.
  mutating func roomCame() -> Bool {
    guard let descriptor = file?.number else { return false }
    switch wish {
    case .none: return false
    case .writable:
      // Without memory for one poll there is no room either.
      do { if try poll(descriptor, .output, nanoseconds: 0).isEmpty { return false } } catch { return false }
    case .timer(let deadline):
      if monotonicNanoseconds() < deadline { return false }
      tally[.roomCheck] += 1
      published.publish(&tally)
    }
    wish = .none
    hasAnnounced = true
    return true
  }

  /// Room that will not come is not waited for.
  mutating func withdrawWish() { wish = .none }

  mutating func release() { file = nil }
}
