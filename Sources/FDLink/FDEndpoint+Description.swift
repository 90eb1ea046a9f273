import Eventfd
public import LinkCore
import LinkSystem

extension FDEndpoint {
  /// What the link is made of, as the kernel tells it right now: for people in front of a link that is slow or stands still.
  public struct Description: Sendable {
    /// The device behind the descriptors; nil for sockets.
    public var deviceName: String?
    public var mtu: Int
    public var lifecycle: LinkLifecycle
    /// Bytes of the virtio-net header in front of each frame; nil without one.
    public var virtioNetHeaderByteCount: Int?
    /// As `FDEndpoint.offloads`.
    public var offloads: OffloadSupport
    /// One for each descriptor that is open: none of a link that is closed.
    public var descriptors: [Descriptor]

    public struct Descriptor: Sendable {
      public var number: Int32
      /// How packets are read, where `automatic` was asked for too; nil for a link that reads none.
      public var dispatchMode: DispatchMode?
      public var ring: Ring?
      /// What a socket may queue, in bytes as the kernel counts them: twice what was asked for, or less. Nil for devices.
      /// `SO_RCVBUF`, `SO_SNDBUF`.
      public var receiveBufferByteCount: Int?
      public var sendBufferByteCount: Int?
      /// Bytes that wait to be read, on most sockets those of the next packet only. Nil where the kernel does not tell.
      /// `SIOCINQ`.
      public var unreadByteCount: Int?
      /// Bytes that were sent and have not left: those that the peer has not read, or the device has not sent. `SIOCOUTQ`.
      public var unsentByteCount: Int?
      /// The id of a packet socket's fanout group; nil outside of one, and for a group of id 0 and mode hash, which the kernel
      /// does not tell from none.
      public var fanoutGroup: Int?
      /// How many packets wait for each processor; empty where there is none: the thread that reads delivers.
      public var processorQueues: [Int]
    }

    /// The memory of the dispatch mode `packetRing`.
    public struct Ring: Equatable, Sendable {
      public var version: PacketRingOptions.Version
      public var blockByteCount: Int
      public var blockCount: Int
      /// Bytes of a place; only of the version `framewise`.
      public var frameByteCount: Int?

      init(_ geometry: PacketRing.Geometry) {
        version = geometry.isBlockwise ? .blockwise : .framewise
        blockByteCount = geometry.blockByteCount
        blockCount = geometry.blockCount
        frameByteCount = geometry.isBlockwise ? nil : geometry.frameByteCount
      }
    }
  }

  /// It changes nothing. A writer may wait for it for some microseconds.
  public func describe() -> Description {
    Description(
      deviceName: deviceName, mtu: mtu, lifecycle: group.runner.lifecycle,
      virtioNetHeaderByteCount: offloading.headerByteCount == 0 ? nil : offloading.headerByteCount, offloads: offloads,
      descriptors: group.links.compactMap { $0.describe() })
  }
}

extension DescriptorLink {
  /// Nil when the descriptor is closed.
  func describe() -> FDEndpoint.Description.Descriptor? {
    let queues = processors.map(\.waitingCount)
    return withDescriptor { number in
      let isSocket = kind != .device
      return FDEndpoint.Description.Descriptor(
        number: number, dispatchMode: dispatchMode, ring: ring.map { FDEndpoint.Description.Ring($0) },
        receiveBufferByteCount: isSocket ? SocketFacts.bufferByteCount(number, .receive) : nil,
        sendBufferByteCount: isSocket ? SocketFacts.bufferByteCount(number, .send) : nil,
        unreadByteCount: isSocket ? SocketFacts.waitingByteCount(number) : nil,
        unsentByteCount: isSocket ? SocketFacts.unsentByteCount(number) : nil,
        fanoutGroup: kind == .packetSocket ? PacketFanout.group(of: number).flatMap { $0 == 0 ? nil : $0 } : nil,
        processorQueues: queues)
    }
  }
}

extension FDEndpoint.Description: CustomStringConvertible {
  /// One line for the link, and one for each descriptor.
  public var description: String {
    (["\(deviceName.map { "device \($0)" } ?? "sockets"), MTU \(mtu), \(lifecycle)\(offloadDescription)"]
      + descriptors.map(\.description)).joined(separator: "\n")
  }

  private var offloadDescription: String {
    guard let virtioNetHeaderByteCount else { return "" }
    let names: [(OffloadSupport, String)] = [
      (.checksum, "checksums"), (.tcpOverIPv4, "TCP over IPv4"), (.tcpOverIPv6, "TCP over IPv6"), (.udp, "UDP"),
    ]
    let granted = names.filter { offloads.contains($0.0) }.map(\.1)
    return ", virtio-net headers of \(virtioNetHeaderByteCount) bytes, "
      + (granted.isEmpty ? "no offloads" : "offloads: \(granted.joined(separator: ", "))")
  }
}

extension FDEndpoint.Description.Descriptor: CustomStringConvertible {
  public var description: String {
    var parts = ["descriptor \(number)", dispatchMode.map { "by \($0)" } ?? "not read"]
    if let ring {
      let places = ring.frameByteCount.map { " in places of \($0)" } ?? ""
      parts.append("ring of \(ring.blockCount) blocks of \(ring.blockByteCount) bytes\(places), \(ring.version)")
    }
    if let count = receiveBufferByteCount { parts.append("receive buffer \(count)") }
    if let count = sendBufferByteCount { parts.append("send buffer \(count)") }
    if let count = unreadByteCount { parts.append("unread \(count)") }
    if let count = unsentByteCount { parts.append("unsent \(count)") }
    if let fanoutGroup { parts.append("fanout group \(fanoutGroup)") }
    if !processorQueues.isEmpty { parts.append("processors with \(processorQueues) waiting") }
    return parts.joined(separator: ", ")
  }
}
