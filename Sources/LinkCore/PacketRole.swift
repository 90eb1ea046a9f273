/// What a packet can be to the segments around it.
package enum PacketRole: BitwiseCopyable {
  /// One of a row, perhaps.
  case segment(TransportSegment)
  /// Of this flow, and never part of a row. What follows must not overtake it.
  case other(FlowKey)
  /// Its flow cannot be told: it may be any.
  case unclear

  /// `linkHeaderLength`: of the link's frames, 0 or 14.
  package init(_ packet: borrowing PacketBuffer, linkHeaderLength: Int) {
    let offload = packet.facts.offload
    let isFramed = packet.linkHeaderLength == linkHeaderLength
    self = packet.withFrame { frame in
      guard isFramed, let layout = TransportLayout(frame, linkHeaderLength: linkHeaderLength) else { return .unclear }
      let flow = FlowKey(frame, layout)
      guard layout.networkStart == linkHeaderLength,
        let segment = TransportSegment(frame, layout, flow, offload)
      else { return .other(flow) }
      return .segment(segment)
    }
  }
}
