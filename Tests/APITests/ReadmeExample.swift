import LinkCore
import SharedMemLink

final class Printer: LinkDispatcher {
  func deliverPackets(_ packets: inout PacketBatch) {
    packets.forEach { bytes in print("a packet of \(bytes.count) bytes") }
  }
  func linkDidClose(_ reason: LinkCloseReason) { print("the link is closed: \(reason)") }
}

func serveOnePeer(at path: String) throws(LinkError) {
  let server = try HandOverServer(path: path, offer: LinkOffer(mtu: 1500))
  guard let peer = try server.next(timeout: .seconds(30)) else { return }
  let link = try peer.makeLink(options: LinkOptions(mtu: 1500))
  try link.attach(Printer())
  try link.wait()
}

func sendOnePacket(to path: String) throws(LinkError) {
  let server = try HandOver.connect(path: path)
  let link = try HandOver.accept(on: server) { offer, queues throws(LinkError) in
    try SharedMemEndpoint(offer, queues: queues, peer: server, options: LinkOptions(mtu: offer.mtu))
  }
  try link.attach(Printer())
  var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
  batch.append { packet in packet.append(20) { bytes in bytes[0] = 0x45 } }
  try link.writeBatch(batch)
  link.close()
  try link.wait()
}
