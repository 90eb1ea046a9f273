package import Eventfd
package import LinkCore
package import LinkSystem

/// The endpoint's half of the worker loop: the receiver's turns, and the search for room on the sender's behalf.
extension SharedMemEndpoint: RunnableLink {
  package func announceRoom(_ dispatcher: any LinkDispatcher) {
    if room.isWanted || softwareOffload.isRoomOwed { announceRoomThatCame(dispatcher) }
  }

  @inline(never) private func announceRoomThatCame(_ dispatcher: any LinkDispatcher) {
    let isOwed = softwareOffload.takeOwedRoom()
    let hasCome = room.isWanted && hasRoomCome() && room.end()
    if hasCome || isOwed, flushHeldPackets() { dispatcher.linkHasRoom() }
  }

  private func hasRoomCome() -> Bool {
    // When the peer is gone, whoever keeps packets until there is room has to learn that there will be none: this link
    // may be waiting for just those packets, to deliver the last ones in.
    if isPeerGone { return true }
    let word = receiver.takeRoomNews()
    switch word {
    case .nothing: return false
    case .noPromise: guard room.isDue() else { return false }
    case .announced: break
    }
    let hasRoom = sender.looksForRoom(isAnnounced: word == .announced)
    endIfBroken()
    return hasRoom
  }

  package func turn(_ dispatcher: any LinkDispatcher) -> LinkTurn { receiver.turn(dispatcher) }

  package var mayHavePackets: Bool { receiver.mayHavePackets }

  package func prepareToWait() -> WaitDecision {
    var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1))
    var recheck = receiver.isRoomPromised ? nil : room.prepareToSleep()
    return receiver.prepareToWait(&entries, &recheck) ? .wait(entries, nanoseconds: recheck) : .somethingArrived
  }

  package func waitEnded(_ entries: InlineArray<4, PollEntry>?) {
    room.awake()
    if receiver.waitEnded(entries) { peerIsGone() }
  }

  package func attachmentEnded() { receiver.attachmentEnded() }

  package func freeHeldUpThreads(forGood: Bool) { sender.freeHeldUpThreads(forGood: forGood) }

  package func releaseResources() {
    softwareOffload.end()
    receiver.release()
    sender.release()
  }
}
