import LinkQueue

/// What the two ends of a link say to each other of room, as whoever drives this end handles it in its turns: the peer's
/// wish is answered, and the answers to our sender's wishes are taken note of.
struct RoomDesk: Sendable {
  private var answer: RoomAnswer<SharedRegion>
  private var news: RoomNews<SharedRegion>
  /// The bell that the peer's driver sleeps on: that of the queue which this end sends on.
  private let bell: Bell
  /// The peer announced room, and it was not looked for yet.
  private var isAnnounced = false
  /// An announcement was seen whose ring may be still to come.
  private var isRingDue = false

  init(answer: RoomAnswer<SharedRegion>, news: RoomNews<SharedRegion>, _ bell: Bell) {
    self.answer = answer
    self.news = news
    self.bell = bell
  }

  // MARK: The peer's wish

  /// After buffers and places were given back, and when there is nothing to do: whether a wish was answered.
  @inline(__always) mutating func answersWish(isIdle: Bool) -> Bool { answer.isDue(isIdle: isIdle) && give() }

  /// The same when the next look may be far off. `isAttended`: as `Bell.ringAttended`.
  mutating func answersWishAtLast(isAttended: Bool) -> Bool { answer.isDueAtLast() && give(isAttended: isAttended) }

  @inline(never) private mutating func give(isAttended: Bool = false) -> Bool {
    answer.give()
    if isAttended { bell.ringAttended() } else { bell.ring() }
    return true
  }

  // MARK: The peer's answer

  enum News { case nothing, announced, noPromise }

  /// Whether the peer says that it announces room.
  var isPromised: Bool { news.isPromised }

  mutating func takeNews() -> News {
    note()
    defer { isAnnounced = false }
    return isAnnounced ? .announced : news.isPromised ? .nothing : .noPromise
  }

  /// The driver was rung though there are no packets: whether it was for room.
  mutating func wasRung() -> Bool {
    note()
    defer { isRingDue = false }
    return isRingDue
  }

  private mutating func note() {
    guard news.came() else { return }
    isAnnounced = true
    isRingDue = true
  }
}
