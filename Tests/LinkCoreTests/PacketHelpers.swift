import LinkCore
import LinkTestSupport

extension PacketPool {
  /// Whether there is a packet to be had now.
  var hasPacket: Bool {
    if let packet = makePacket(headroom: 0) { packet.headroom == 0 } else { false }
  }
}

extension PacketBuffer {
  var bytes: [UInt8] { withBytes { bytes in bytes.indices.map { bytes[$0] } } }
  var frame: [UInt8] { withFrame { bytes in bytes.indices.map { bytes[$0] } } }

  mutating func appendBytes(_ bytes: [UInt8]) {
    append(bytes.count) { span in for index in bytes.indices { span[index] = bytes[index] } }
  }
}

extension PacketBatch {
  /// The bytes of all packets in order.
  var contents: [[UInt8]] {
    var list: [[UInt8]] = []
    forEach { bytes in list.append(bytes.indices.map { bytes[$0] }) }
    return list
  }

  /// Adds a packet of these bytes; whether there was room.
  mutating func add(_ bytes: [UInt8]) -> Bool { append { $0.appendBytes(bytes) } }
}
