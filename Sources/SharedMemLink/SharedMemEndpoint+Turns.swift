package import Eventfd
package import LinkCore
package import LinkSystem

/// The endpoint's half of the worker loop: the receiver's turns, and the search for room on the sender's behalf.
extension SharedMemEndpoint: RunnableLink {
  package func announceRoom(_ dispatcher: any LinkDispatcher) {
    // When the peer is gone, whoever keeps packets until there is room has to learn that there will be none: this link
    // may be waiting for just those packets, to deliver the last ones in.
    guard room.isDue(now: monotonicNanoseconds) else { return }
    let found = receiver.isPeerGone || sender.hasRoom()
    if sender.isCorrupt { return endBroken() }
    if room.checked(found: found) { dispatcher.linkHasRoom() }
  }

  package func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn { receiver.turn(dispatcher) }

  package func prepareToWait() -> WaitDecision {
    var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
    var recheck = room.prepareToSleep()
    return receiver.prepareToWait(&entries, &recheck) ? .wait(entries, nanoseconds: recheck) : .somethingArrived
  }

  package func waitEnded(_ entries: InlineArray<4, PollEntry>?) {
    room.awake()
    receiver.waitEnded(entries)
  }

  package func releaseResources() {
    receiver.release()
    sender.release()
  }
}
