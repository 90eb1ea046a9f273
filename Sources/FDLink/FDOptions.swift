public import LinkCore
import LinkSystem

/// What a link over a descriptor can be told besides `LinkOptions`.
public struct FDOptions: Sendable {
  /// How packets are read.
  public var dispatchMode = DispatchMode.automatic
  /// How many packets one `recvmmsg(2)` asks for at most: 1 to 64. A delivery never has more than
  /// `LinkOptions.batchCapacity`.
  public var receiveBatch = 32
  /// The most bytes of `iovec`, `msghdr` and `mmsghdr` records that one system call may be given, for kernels and tracers
  /// that copy these records to a place of limited size. A packet takes 80 bytes in a call that moves many, 96 behind a
  /// virtio-net header: at least that; one that is handed to a device together with others takes 16. 0 sets no limit.
  public var maxSyscallHeaderByteCount = 0
  /// The memory of the dispatch mode `packetRing`.
  public var ring = PacketRingOptions()
  /// What a socket may queue for reception, in bytes, as far as the system allows it; nil leaves it as it is. What comes to a
  /// full one is lost on UDP and packet sockets. `SO_RCVBUF`, `SO_RCVBUFFORCE`.
  public var socketReceiveBufferByteCount: Int?
  /// The same for sending. `SO_SNDBUF`, `SO_SNDBUFFORCE`.
  public var socketSendBufferByteCount: Int?
  /// Drop Ethernet frames that are addressed to another interface. For packet sockets, which see what the interface
  /// sees; devices and Unix sockets bring only what is meant for this end.
  public var filtersAddresses = false
  /// Which multicast frames are meant for this end, where `filtersAddresses` drops others; broadcast ones always are.
  public var multicast = MulticastFilter.all
  /// How several packet sockets of one link share the frames of their interface. Nil takes them as they are: they are in a
  /// group already, or bound to different interfaces.
  public var fanout: FanoutMode? = .hash
  /// Generic receive offload: which kinds of small packets become large ones before they are delivered.
  /// `OffloadSupport.segmentation`: all; nothing, the default: none, since who receives such packets has to know of it.
  ///
  /// TCP segments that follow one another within a delivery, or UDP datagrams of one size, become one packet of up to
  /// 65,535 bytes, whatever the MTU is, with `PacketFacts.offload` that says how it was cut, and with a checksum that is
  /// still to be computed. Cut again it gives back the packets that came. Only what is intact is joined: checksums that
  /// nobody vouches for are verified.
  public var gro: OffloadSupport = []
  /// How many threads deliver what is read from one descriptor: 1 to 64. With 1 the thread that reads delivers too. With
  /// more it reads only, and hands each packet to one of so many further threads, the processors, by its flow: a flow stays
  /// in order. That pays where the dispatcher has more to do for a packet than the kernel has, and takes calls of several
  /// threads at once (`LinkDispatcher.takesConcurrentCalls`); otherwise the processors deliver by turns.
  ///
  /// Not for a link that its owner drives. An `InjectableEndpoint` has none.
  public var processorsPerChannel = 1
  /// How many packets wait for one processor at most: 1 to 65536. What finds its queue full is dropped, and counted as
  /// `noRoom`. What waits when the link is detached is for the next dispatcher. A `LinkOptions.pool` without chunks for all
  /// queues works, but then one slow flow can keep the others waiting; so it is where the queues of one descriptor are for more
  /// than 16,384 packets together and the pool is the link's own, which has no chunks for more.
  public var processorQueueCapacity = 256
  /// Nothing is read from the descriptor.
  var isDeaf = false

  public init() {}

  func validate(hasVirtioNetHeader: Bool) throws(LinkError) {
    guard (1...64).contains(receiveBatch) else {
      throw LinkError(.invalidArgument, "receive batch \(receiveBatch): must be 1 to 64")
    }
    guard (1...64).contains(processorsPerChannel) else {
      throw LinkError(.invalidArgument, "\(processorsPerChannel) processors per channel: must be 1 to 64")
    }
    guard (1...65536).contains(processorQueueCapacity) else {
      throw LinkError(.invalidArgument, "processor queue of \(processorQueueCapacity) packets: must be 1 to 65536")
    }
    for size in [socketReceiveBufferByteCount, socketSendBufferByteCount] {
      guard let size, !(1...1 << 30).contains(size) else { continue }
      throw LinkError(.invalidArgument, "socket buffer of \(size) bytes: must be 1 to 1073741824")
    }
    try multicast.validate()
    let least = MessageRow.recordByteCount(hasHeads: hasVirtioNetHeader)
    guard maxSyscallHeaderByteCount == 0 || maxSyscallHeaderByteCount >= least else {
      throw LinkError(
        .invalidArgument, "maxSyscallHeaderByteCount \(maxSyscallHeaderByteCount): must be 0 or at least \(least)")
    }
  }

  /// How many threads besides the one that reads deliver.
  var processorCount: Int { processorsPerChannel == 1 || isDeaf ? 0 : processorsPerChannel }

  /// For how many packets of one descriptor that wait for them, those that they deliver included, a pool is to have chunks. Of
  /// the largest size these take more than a GiB of addresses: with all queues at their largest no machine would have them.
  func mostWaitingCount(batchCapacity: Int) -> Int {
    min(processorCount * (processorQueueCapacity + batchCapacity), 16384)
  }

  /// How many messages one call may move, each behind a head or not.
  func messagesPerCall(hasHeads: Bool) -> Int {
    maxSyscallHeaderByteCount == 0
      ? 64 : min(64, maxSyscallHeaderByteCount / MessageRow.recordByteCount(hasHeads: hasHeads))
  }

  /// How many parts a packet may have in one call.
  var partsPerCall: Int {
    maxSyscallHeaderByteCount == 0 ? 64 : min(64, maxSyscallHeaderByteCount / PartRow.recordByteCount)
  }
}

/// How packets are read from the descriptor.
public enum DispatchMode: Sendable {
  /// The best way for the kind of descriptor: `recvmmsg` for sockets, `readv` for devices.
  case automatic
  /// One system call per packet: every descriptor can do it. `readv(2)`; on packet sockets `recvmmsg(2)` for one message,
  /// since a mere read loses VLAN tags.
  case readv
  /// Many packets per system call: sockets only. `recvmmsg(2)`.
  case recvmmsg
  /// Memory that is shared with the kernel: packet sockets only. `PACKET_RX_RING`. Before Linux 5.6 a ring of the version
  /// `framewise` could stand still for ever under load: use the other version, or `recvmmsg`, on such kernels.
  case packetRing
}
