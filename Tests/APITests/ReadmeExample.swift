import LinkCore
import SharedMemLink

final class Printer: LinkDispatcher {
  func deliverPackets(_ packets: inout PacketBatch) {
    packets.forEach { bytes in print("a packet of \(bytes.count) bytes") }
  }
  func linkDidClose(_ reason: LinkCloseReason) { print("the link is closed: \(reason)") }
}

func serveOnePeer(at path: String) throws(LinkError) {
  let listener = try HandOverListener(path: path)
  guard let peer = try listener.accept(timeout: .seconds(30)) else { return }
  let queues = try QueuePair.make()
  try HandOver.offer(queues, LinkOffer(mtu: 1500), on: peer)
  let link = try SharedMemEndpoint(.server, queues: queues, peer: peer)
  try link.attach(Printer())
  try link.wait()
}

func sendOnePacket(to path: String) throws(LinkError) {
  let server = try HandOver.connect(path: path)
  let link = try SharedMemEndpoint(.client, queues: HandOver.accept(on: server).takeQueues(), peer: server)
  try link.attach(Printer())
  var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1500, capacity: 1))
  batch.append { packet in packet.append(20) { bytes in bytes[0] = 0x45 } }
  try link.writeBatch(batch)
  link.close()
  try link.wait()
}
