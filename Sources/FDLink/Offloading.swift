import LinkCore
import LinkSystem
import Synchronization

/// The virtio-net headers of a link: whether there are any, and what the kernel takes with them. One for all descriptors of
/// the link, since what one of them learns holds for all.
final class Offloading: Sendable {
  /// What precedes each frame; 0: nothing.
  let headerByteCount: Int
  /// The largest packet with segmentation facts, in network-layer bytes; 0: there are none.
  let segmentedByteCount: Int
  /// Facts that are handed on, and brought.
  let granted: Atomic<UInt8>
  /// Those with which the kernel has taken a packet: it knows them.
  let known = Atomic<UInt8>(0)

  /// Until `grant` nothing is handed on.
  init(headerByteCount: Int, _ options: LinkOptions) {
    self.headerByteCount = headerByteCount
    segmentedByteCount = options.segmentation.kind == .host ? options.segmentation.maxByteCount : 0
    granted = Atomic(0)
  }

  var offloads: OffloadSupport { OffloadSupport(rawValue: granted.load(ordering: .relaxed)) }

  /// Asks the kernel for what the options want. One that does not know a kind grants the others.
  func grant(_ options: LinkOptions, _ number: CInt, _ kind: AdoptedDescriptor.Kind) throws(SystemError) {
    let wanted = options.offloads(hasVirtioNetHeader: headerByteCount > 0)
    // A packet socket is not asked: it takes what the kernel can cut, and brings what the interface has.
    guard kind == .device, headerByteCount > 0 else { return granted.store(wanted.rawValue, ordering: .relaxed) }
    try NetworkDevice.setLittleEndian(number)
    for offer in [wanted, wanted.subtracting(.udp), wanted.intersection(.checksum), []] {
      guard try NetworkDevice.setOffloads(number, NetworkDevice.Offloads(offer)) else { continue }
      return granted.store(offer.rawValue, ordering: .relaxed)
    }
  }

  /// As a link reports it: by the host only as long as a kind of segmentation is granted.
  func segmentation(_ options: SegmentationSupport) -> SegmentationSupport {
    if options.kind != .host || !offloads.isDisjoint(with: .segmentation) { return options }
    return SegmentationSupport(kind: .software, maxByteCount: options.maxByteCount)
  }

  /// Whether a write ends at this packet. Links without virtio-net headers take no notice of its facts.
  func stopsAt(_ packet: borrowing PacketBuffer) -> Bool { headerByteCount > 0 && !packet.isCarried(by: offloads) }
}

extension NetworkDevice.Offloads {
  init(_ offloads: OffloadSupport) {
    self = []
    if offloads.contains(.checksum) { insert(.checksum) }
    if offloads.contains(.tcpOverIPv4) { insert(.tcpOverIPv4) }
    if offloads.contains(.tcpOverIPv6) { insert(.tcpOverIPv6) }
    if offloads.contains(.udp) { insert(.udp) }
  }
}
