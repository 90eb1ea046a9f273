public import LinkCore
import LinkSystem

extension FDEndpoint {
  /// A link over the TUN device `name`, which carries bare IP packets. The device is made if it is not there, and goes
  /// away with the link; `%d` in the name asks the kernel for a number, which `deviceName` tells. It is down until
  /// somebody brings it up. `TUNSETIFF`.
  ///
  /// Throws `system` when the kernel refuses, and says what is missing; `invalidArgument` with a link address.
  public static func tun(name: String, options: LinkOptions = LinkOptions()) throws(LinkError) -> FDEndpoint {
    try open(.tun, name, options)
  }

  /// The same with a TAP device, which carries Ethernet frames: `options.linkAddress` is this end's address, not the
  /// interface's.
  public static func tap(name: String, options: LinkOptions) throws(LinkError) -> FDEndpoint {
    try open(.tap, name, options)
  }

  private static func open(
    _ kind: NetworkDevice.Kind, _ name: String, _ options: LinkOptions
  ) throws(LinkError) -> FDEndpoint {
    let descriptor: CInt
    do { descriptor = try NetworkDevice.open(kind, name: name).take().release() } catch { throw explained(error, name) }
    do { return try FDEndpoint(takingOwnershipOf: descriptor, options: options) } catch {
      // It stays with the caller of the initialiser: give it back.
      _ = OwnedDescriptor(owning: descriptor)
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
        error, "\(device): a name has 1 to 15 bytes, no slash, and is not that of an interface of another kind",
        code: .invalidArgument)
    case .other: LinkError(error, device)
    }
  }
}
