public import LinkCore
import LinkSystem

/// How a TUN or TAP device is opened.
public struct DeviceOptions: Sendable {
  /// The device has several queues, each a descriptor and a link of its own that is opened by the same name with the same
  /// flag. The kernel keeps a flow on one queue. `IFF_MULTI_QUEUE`.
  public var isMultiQueue = false
  /// The device stays when its last descriptor is closed, or goes then; nil leaves that as it is. `TUNSETPERSIST`.
  public var isPersistent: Bool?

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
    let descriptor: OwnedDescriptor
    do {
      descriptor = try NetworkDevice.open(
        kind, name: name, isMultiQueue: device.isMultiQueue, isPersistent: device.isPersistent
      ).take()
    } catch { throw explained(error, name) }
    return try adopt(descriptor, options, fdOptions)
  }

  /// A link over a descriptor that was just opened: it is closed if that fails.
  static func adopt(
    _ file: consuming OwnedDescriptor, _ options: LinkOptions, _ fdOptions: FDOptions
  ) throws(LinkError) -> FDEndpoint {
    let number = file.release()
    do { return try FDEndpoint(takingOwnershipOf: number, options: options, fdOptions: fdOptions) } catch {
      _ = OwnedDescriptor(owning: number)
      throw error
    }
  }

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
