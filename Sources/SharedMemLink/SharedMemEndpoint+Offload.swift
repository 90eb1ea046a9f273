import LinkCore

extension SharedMemEndpoint {
  /// A write to the queue, and what came of it. The link's end waits until it is over.
  struct PlainWrite: LinkCore.PlainWrite {
    let sender: any Sender
    let offloads: OffloadSupport
    let limits: SendLimits
    /// What is left to do when the write is over: here the stage may be locked.
    private(set) var sequel: SendResult.Sequel = []

    mutating func send(_ packets: Span<PacketBuffer>) -> Int {
      let result = sender.send(packets, limits)
      sequel.formUnion(result.sequel)
      return result.count
    }
  }

  var plainWrite: PlainWrite {
    PlainWrite(sender: sender, offloads: offloads, limits: limits)
  }

  var limits: SendLimits {
    SendLimits(
      mtu: mtu, headerLength: framing.headerLength,
      segmentedByteCount: segmentation.kind == .host ? segmentation.maxByteCount : 0)
  }

  /// Sends what was held back, now that there is room. False if something is left, for which room is wanted again.
  func flushHeldPackets() -> Bool {
    if isPeerGone {
      softwareOffload.end()
      return true
    }
    var write = plainWrite
    let isEmpty = softwareOffload.flush(by: &write)
    if write.sequel.contains(.ring) { sender.ring() }
    if write.sequel.contains(.broken) { endIfBroken() }
    return isEmpty
  }
}
