public import LinkCore
import LinkSystem

/// How a TUN or TAP device is opened.
public struct DeviceOptions: Sendable {
  /// The device has several queues, each a descriptor that is opened by the same name with the same flag, for one link or
  /// several. The kernel keeps a flow on one queue, but moves it to the one that its packets are written to: those that were
  /// under way may be overtaken then. `IFF_MULTI_QUEUE`.
  public var isMultiQueue = false
  /// How many queues this link takes: 1 to 256. More than one make the device a multi-queue one.
  public var queueCount = 1
  /// The device stays when its last descriptor is closed, or goes then; nil leaves that as it is. `TUNSETPERSIST`.
  public var isPersistent: Bool?
  /// A virtio-net header precedes each packet, so that checksums may be left to be computed, and with
  /// `LinkOptions.segmentation` packets of many segments cross uncut: far fewer packets for the same bytes. Packets of
  /// one flow that follow one another in a write are handed over as one, as far as segmentation was granted. What was is in
  /// `FDEndpoint.offloads`. `IFF_VNET_HDR`, `TUNSETOFFLOAD`.
  public var hasVirtioNetHeader = false

  public init() {}
}

extension FDEndpoint {
  /// A link over the TUN device `name`, which carries bare IP packets. The device is made if it is not there, and goes
  /// away with the link unless it is persistent; `%d` in the name asks the kernel for a number, which `deviceName` tells. It
  /// is down until somebody brings it up. `TUNSETIFF`.
  ///
  /// Throws `system` when the kernel refuses, and says what is missing; `invalidArgument` with a link address.
  public static func tun(
    name: String, options: LinkOptions = LinkOptions(), fdOptions: FDOptions = FDOptions(),
    device: DeviceOptions = DeviceOptions()
  ) throws(LinkError) -> FDEndpoint {
    try open(.tun, name, options, fdOptions, device)
  }

  /// The same with a TAP device, which carries Ethernet frames: `options.linkAddress` is this end's address, not the
  /// interface's.
  public static func tap(
    name: String, options: LinkOptions, fdOptions: FDOptions = FDOptions(), device: DeviceOptions = DeviceOptions()
  ) throws(LinkError) -> FDEndpoint {
    try open(.tap, name, options, fdOptions, device)
  }

  private static func open(
    _ kind: NetworkDevice.Kind, _ name: String, _ options: LinkOptions, _ fdOptions: FDOptions, _ device: DeviceOptions
  ) throws(LinkError) -> FDEndpoint {
    guard (1...256).contains(device.queueCount) else {
      throw LinkError(.invalidArgument, "\(device.queueCount) queues: must be 1 to 256")
    }
    var name = name
    var numbers: [CInt] = []
    do {
      for _ in 0..<device.queueCount {
        let queue = try NetworkDevice.open(
          kind, name: name, isMultiQueue: device.isMultiQueue || device.queueCount > 1,
          hasVirtioNetHeader: device.hasVirtioNetHeader, isPersistent: device.isPersistent)
        // The kernel may have chosen it.
        name = queue.name
        numbers.append(queue.take().release())
      }
    } catch {
      closeAll(numbers)
      throw explained(error, name)
    }
    return try adopt(numbers, options, fdOptions)
  }

  /// A link over descriptors that were just opened: they are closed if that fails.
  static func adopt(
    _ numbers: [CInt], _ options: LinkOptions, _ fdOptions: FDOptions
  ) throws(LinkError) -> FDEndpoint {
    do { return try FDEndpoint(takingOwnershipOf: numbers, options: options, fdOptions: fdOptions) } catch {
      closeAll(numbers)
      throw error
    }
  }

  static func closeAll(_ numbers: [CInt]) { for number in numbers { _ = OwnedDescriptor(owning: number) } }

  private static func explained(_ error: SystemError, _ name: String) -> LinkError {
    let device = "device \(name)"
    return switch DeviceRefusal(error) {
    case .permission:
      LinkError(
        error,
        "\(device) needs root or CAP_NET_ADMIN in the network namespace, and access to /dev/net/tun; "
          + "or let an administrator make it for this user (ip tuntap add)")
    case .noDriver:
      LinkError(
        error, "\(device) needs /dev/net/tun: load the module tun, or give the device node to the container")
    case .busy: LinkError(error, "\(device) is in use by another process")
    case .badName:
      LinkError(
        error,
        "\(device): a name has 1 to 15 bytes, no slash, and is not that of an interface of another kind, or of a device "
          + "with another number of queues", code: .invalidArgument)
    case .other: LinkError(error, device)
    }
  }
}
