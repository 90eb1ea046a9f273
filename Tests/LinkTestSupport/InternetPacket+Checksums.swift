extension InternetPacket {
  /// The whole frame with its checksum.
  package var completeFrame: [UInt8] {
    var frame = frame
    Self.setChecksums(of: &frame, linkHeaderLength: linkHeader.count)
    return frame
  }

  /// Makes all checksums right, of a frame without options or extension headers of IP that was changed.
  package static func setChecksums(of frame: inout [UInt8], linkHeaderLength start: Int) {
    let isIPv6 = frame[start] >> 4 == 6
    let transport = start + (isIPv6 ? 40 : 20)
    if !isIPv6 {
      frame.replaceSubrange(start + 10..<start + 12, with: [0, 0])
      frame.replaceSubrange(start + 10..<start + 12, with: bytes(~sum(frame[start..<transport])))
    }
    let number = frame[start + (isIPv6 ? 6 : 9)]
    let field = transport + (number == 6 ? 16 : 6)
    var pseudo = Array(frame[start + (isIPv6 ? 8 : 12)..<transport])
    pseudo += long(UInt32(frame.count - transport)) + [0, 0, 0, number]
    frame.replaceSubrange(field..<field + 2, with: [0, 0])
    let checksum = ~sum(pseudo + frame[transport...])
    frame.replaceSubrange(field..<field + 2, with: bytes(checksum == 0 ? 0xffff : checksum))
  }
}
