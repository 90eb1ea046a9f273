extension LinkEndpoint {
  /// Sends these bytes as one frame, as they are: no link header is added, and none is asked for. The frame counts as any
  /// other. Whoever sends many of them fills a batch instead, and says `isRawFrame` in the facts of each packet.
  ///
  /// Throws `invalidArgument` for a frame without a byte or larger than the MTU and the link header, `wouldBlock`,
  /// `notAttached` and `closed`.
  public func writeRawFrame(_ frame: Span<UInt8>) throws(LinkError) {
    let most = mtu + maxHeaderLength
    guard frame.count >= 1, frame.count <= most else {
      throw LinkError(.invalidArgument, "raw frame of \(frame.count) bytes: must be 1 to \(most)")
    }
    var batch = PacketBatch(capacity: 1, pool: PacketPool(chunkByteCount: max(frame.count, 64), capacity: 1))
    batch.append(headroom: 0) { packet in
      packet.append(frame.count) { bytes in for index in frame.indices { bytes[index] = frame[index] } }
      packet.facts.isRawFrame = true
    }
    try writeBatch(batch)
  }
}
