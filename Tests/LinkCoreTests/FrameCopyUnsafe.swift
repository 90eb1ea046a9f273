import LinkCore

extension PacketBuffer {
  /// As `becomeEthernetFrame`, of a frame in an array.
  mutating func becomeEthernetFrame(_ frame: [UInt8]) -> Bool {
    // SAFETY: as many bytes are there, through the call.
    unsafe frame.withUnsafeBytes { bytes in
      // An empty array may have no place at all; nothing is read of it.
      unsafe becomeEthernetFrame(
        bytes.baseAddress ?? UnsafeRawPointer(bitPattern: 8).unsafelyUnwrapped, byteCount: bytes.count)
    }
  }
}
