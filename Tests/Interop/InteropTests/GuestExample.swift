import FDLink
import LinkCore
import SharedMemLink

/// Joins a guest's network stack to the TUN device `name` of the host.
///
/// `start` starts the guest's process, which inherits the ten descriptors of the queues: the five that the guest sends on,
/// then the five that it receives on. `peer` is this side's end of a pair of connected Unix sockets; the guest has the other.
///
/// Nothing passes before the caller starts the bridge. `peer` is the bridge's once this returns; if it throws, `peer` is still
/// the caller's to close, and the process, if `start` got that far, to end.
func joinGuest(
  to name: String, mtu: Int = 1500, peer: Int32, start: (_ queues: [Int32]) throws -> Void
) throws -> LinkBridge {
  // The kernel may hand over TCP and UDP in packets of 64 KiB, whose checksums are not computed yet.
  var options = LinkOptions(mtu: mtu)
  options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 65536)
  var device = DeviceOptions()
  device.hasVirtioNetHeader = true
  let tun = try FDEndpoint.tun(name: name, options: options, device: device)

  // The files are made here, sealed: a guest cannot take memory away that the host has mapped.
  let queues = try QueuePair.make()
  try start(queues.descriptors)

  // gVisor's endpoint knows no offloads: this end cuts packets to the MTU and computes their checksums.
  options.segmentation = SegmentationSupport(kind: .software, maxByteCount: 65536)
  let link = try SharedMemEndpoint(.server, queues: queues, peer: peer, options: options)
  return LinkBridge(link, tun)
}

/// Waits until the link to a guest is over. True: the guest has gone, or has died, and the next one can be started.
func waitForEnd(of bridge: LinkBridge) throws -> Bool {
  try bridge.wait()
  return bridge.ending == LinkBridge.Ending(side: .a, reason: .peerDisconnected)
}
