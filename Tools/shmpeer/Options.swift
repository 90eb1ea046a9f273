import FDLink
import LinkCore
import LinkSystem
import SharedMemLink

/// The subcommands.
enum Command: String, CaseIterable {
  case demo, serve, connect, attach, fd
  /// The second process of `demo`, and the two of `demo --tun`. Not for people.
  case demoPeer = "demo-peer"
  case tunPeer = "tun-peer"
}

/// Whether senders fill and sum the body of test packets.
package enum Check: String, CaseIterable { case none, crc }

/// What to do with a link.
enum Action: Equatable {
  case echo
  /// Nil: until somebody ends it.
  case sink(count: UInt64?)
  case source(count: UInt64)
  case ping(count: UInt64)
  case bridge(DeviceKind, name: String)

  /// Its name in reports.
  var mode: String {
    switch self {
    case .echo: "echo"
    case .sink: "sink"
    case .source: "source"
    case .ping: "ping"
    case .bridge(.tun, _): "bridge-tun"
    case .bridge(.tap, _): "bridge-tap"
    case .bridge(.packet, _): "bridge-packet"
    }
  }
}

/// What a link or a bridge is joined to: a device, or an interface that is there already.
enum DeviceKind: Equatable { case tun, tap, packet }

/// Where the descriptors of `shmpeer fd` come from.
enum DescriptorSource: Equatable {
  case numbers([Int32])
  case device(DeviceKind, name: String)
}

/// The ways of receiving, as `--dispatch` names them.
enum Dispatch: String, CaseIterable {
  case readv, recvmmsg
  case packetRing = "packet-ring"

  var mode: DispatchMode {
    switch self {
    case .readv: .readv
    case .recvmmsg: .recvmmsg
    case .packetRing: .packetRing
    }
  }
}

enum RoleName: String, CaseIterable {
  case client, server

  var role: SharedMemEndpoint.Role {
    switch self {
    case .client: .client
    case .server: .server
    }
  }
}

/// Everything that a command line says.
struct Options {
  var command: Command
  var wantsHelp = false
  var action: Action?
  var size = 64
  var batch = 32
  var givenMTU: Int?
  var bufferByteCount = 2048
  var ethernet: LinkAddress?
  var peerEthernet: LinkAddress?
  var check = Check.crc
  var givenSpin: Duration?
  var timeout: Duration?
  var statsInterval: Duration?
  var isJSON = false
  var hasVirtioNetHeader = false
  var leavesOffloadsOut = false
  var trims = false
  var acceptsUnsealed = false
  var keeps = false
  var isTun = false
  var duration: Duration = .seconds(3)
  var socketPath: String?
  var role: RoleName?
  var transmitFiles: [Int32] = []
  var receiveFiles: [Int32] = []
  var peerDescriptor: Int32?
  var source: DescriptorSource?
  var dispatch: Dispatch?
  /// How many queues a device has for the link, or sockets an interface.
  var queueCount: Int?
  /// As `FDOptions.fanout`; nil: it was not given.
  var fanout: FanoutMode??
  var describes = false
  /// Of a bridge: 1, or 2, one for each side.
  var givenThreadCount: Int?

  init(_ command: Command) { self.command = command }

  /// The largest packet: as given, or what the test packets need.
  var mtu: Int { givenMTU ?? max(1500, size) }

  /// Whether one thread serves both sides of a bridge, as it does unless a link has several queues, which are there to be
  /// served at the same time.
  private var bridgesOnOneThread: Bool {
    if let givenThreadCount { return givenThreadCount == 1 }
    return !hasSeveralQueues
  }

  /// Whether the link itself has several descriptors, and so a thread for each.
  var hasSeveralQueues: Bool {
    if case .numbers(let numbers) = source { return numbers.count > 1 }
    return queueCount ?? 1 > 1
  }

  /// As links are made with it. A bridge shares its CPUs with the traffic it carries, so it does not spin unless told to.
  var linkOptions: LinkOptions {
    var options = LinkOptions(mtu: mtu, linkAddress: ethernet)
    options.batchCapacity = batch
    options.trimsPadding = trims
    if isBridge {
      options.spin = .zero
      if bridgesOnOneThread { options.drive = .caller }
    }
    if let givenSpin { options.spin = givenSpin }
    // The device brings large packets, whether or not the other side takes them.
    if !offloads.isEmpty {
      options.segmentation = SegmentationSupport(kind: .software, maxByteCount: LinkOptions.mtuRange.upperBound)
    }
    return options
  }

  /// What this side takes in packets: everything where a device is behind the link, which can cut and compute.
  var offloads: OffloadSupport {
    isBridge && !leavesOffloadsOut ? .all : []
  }

  private var isBridge: Bool {
    if case .bridge = action { return true }
    return command == .tunPeer
  }

  var filePolicy: FilePolicy { acceptsUnsealed ? .unsealedGuarded : .sealedOnly }

  /// For links over descriptors.
  var fdOptions: FDOptions {
    var options = FDOptions()
    if let dispatch { options.dispatchMode = dispatch.mode }
    if let fanout { options.fanout = fanout }
    return options
  }

  /// Descriptors that the command line names: they must have been open when the tool started.
  var namedDescriptors: [Int32] {
    var numbers = transmitFiles + receiveFiles
    if let peerDescriptor { numbers.append(peerDescriptor) }
    if case .numbers(let list) = source { numbers += list }
    return numbers
  }
}
