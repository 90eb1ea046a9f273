import LinkCore
import LinkSystem

/// A descriptor that a link can be made of: checked, non-blocking, close-on-exec, and owned.
struct AdoptedDescriptor: ~Copyable {
  let file: OwnedDescriptor
  let isSocket: Bool
  /// The TUN or TAP device behind it.
  let deviceName: String?

  /// Owns nothing if it throws.
  init(_ number: CInt, isEthernet: Bool) throws(LinkError) {
    let deviceName = try Self.check(number, isEthernet: isEthernet)
    file = try Self.prepare(number)
    self.deviceName = deviceName
    isSocket = deviceName == nil
  }

  private static func prepare(_ number: CInt) throws(LinkError) -> OwnedDescriptor {
    do { return try OwnedDescriptor(preparing: number) } catch {
      throw LinkError(error, "descriptor \(number)", code: .badDescriptor)
    }
  }

  consuming func takeFile() -> OwnedDescriptor { file }

  /// Throws if no link can be made of it; returns its device's name, nil for a socket.
  private static func check(_ number: CInt, isEthernet: Bool) throws(LinkError) -> String? {
    let kind: DescriptorKind
    do { kind = try OwnedDescriptor.status(of: number).kind } catch {
      throw LinkError(error, "descriptor \(number) is not open", code: .badDescriptor)
    }
    switch kind {
    case .socket:
      try checkSocket(number)
      return nil
    case .characterDevice: return try checkDevice(number, isEthernet: isEthernet)
    case .regularFile: throw unfit(number, "is a regular file")
    case .pipe: throw unfit(number, "is a pipe, which keeps no packet boundaries")
    case .anonymous, .other: throw unfit(number, "carries no packets")
    }
  }

  private static func checkSocket(_ number: CInt) throws(LinkError) {
    let facts: SocketFacts
    do { facts = try SocketFacts(of: number) } catch {
      throw LinkError(error, "descriptor \(number)", code: .badDescriptor)
    }
    switch facts.kind {
    case .datagram, .seqpacket, .raw: break
    case .stream: throw unfit(number, "is a stream socket, which keeps no packet boundaries")
    case .other: throw unfit(number, "is a socket of an unknown type")
    }
    if facts.isListening { throw unfit(number, "is a listening socket: accept a connection, and adopt that") }
  }

  private static func checkDevice(_ number: CInt, isEthernet: Bool) throws(LinkError) -> String {
    guard let device = NetworkDevice.attached(to: number) else {
      throw unfit(number, "is a character device without a TUN or TAP interface: TUNSETIFF comes first")
    }
    guard device.isBare else {
      throw unfit(number, "is device \(device.name), which puts a prefix before packets: make it with IFF_NO_PI only")
    }
    switch device.kind {
    case .tap where !isEthernet:
      throw LinkError(.invalidArgument, "TAP device \(device.name) has Ethernet frames: set a link address")
    case .tun where isEthernet:
      throw LinkError(.invalidArgument, "TUN device \(device.name) has bare IP packets: set no link address")
    case .tap, .tun: return device.name
    }
  }

  private static func unfit(_ number: CInt, _ flaw: String) -> LinkError {
    LinkError(
      .badDescriptor,
      "descriptor \(number) \(flaw); a datagram, seqpacket or packet socket, or a TUN or TAP device would do")
  }
}
