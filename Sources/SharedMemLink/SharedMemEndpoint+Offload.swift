import LinkCore

extension SharedMemEndpoint {
  /// A write to the queue, and what came of it. The link's end waits until it is over.
  struct PlainWrite: LinkCore.PlainWrite {
    let sender: any Sender
    let room: RoomRequest
    let offloads: OffloadSupport
    let limits: SendLimits
    /// The queue is gone.
    private(set) var isReleased = false
    /// The peer broke something.
    private(set) var isBroken = false
    /// Room is wanted now, and the driver has to be woken for it.
    private(set) var wakesDriver = false
    /// To be rung when the write is over: here the stage may be locked.
    private(set) var bell: Bell?

    mutating func send(_ packets: Span<PacketBuffer>) -> Int {
      guard let result = sender.send(packets, limits, room, isRingDue: bell != nil) else {
        isReleased = true
        return 0
      }
      isBroken = result.isBroken
      if result.wakesDriver { wakesDriver = true }
      if let due = result.bell { bell = due }
      return result.count
    }
  }

  var plainWrite: PlainWrite {
    PlainWrite(
      sender: sender, room: room, offloads: offloads, limits: limits)
  }

  var limits: SendLimits {
    SendLimits(
      mtu: mtu, headerLength: framing.headerLength,
      segmentedByteCount: segmentation.kind == .host ? segmentation.maxByteCount : 0)
  }

  /// Sends what was held back, now that there is room. False if something is left, for which room is wanted again.
  func flushHeldPackets() -> Bool {
    if receiver.isPeerGone {
      softwareOffload.end()
      return true
    }
    var write = plainWrite
    let isEmpty = softwareOffload.flush(by: &write)
    write.bell?.ring()
    if write.isBroken { endIfBroken() }
    return isEmpty
  }
}
