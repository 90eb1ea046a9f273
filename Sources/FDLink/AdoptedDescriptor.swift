import LinkCore
import LinkSystem

/// Descriptors that a link can be made of: checked, non-blocking, close-on-exec.
enum AdoptedDescriptor {
  enum Kind: Equatable, Sendable { case device, socket, internetSocket, packetSocket }

  /// Takes over a descriptor that was checked. Owns nothing if it throws.
  static func prepare(_ number: CInt) throws(LinkError) -> OwnedDescriptor {
    do { return try OwnedDescriptor(preparing: number) } catch {
      throw LinkError(error, "descriptor \(number)", code: .badDescriptor)
    }
  }

  /// Throws if no one link can be made of all of them; returns what they are.
  static func check(_ numbers: [CInt], isEthernet: Bool) throws(LinkError) -> Kind {
    guard let first = numbers.first else {
      throw LinkError(.invalidArgument, "no descriptor: a link needs at least one")
    }
    if Set(numbers).count < numbers.count {
      throw LinkError(.invalidArgument, "descriptors \(numbers): one is there twice; duplicate it, or leave it out")
    }
    let kind = try check(first, isEthernet: isEthernet)
    for number in numbers.dropFirst() {
      guard try check(number, isEthernet: isEthernet) == kind else {
        throw LinkError(
          .invalidArgument, "descriptors \(first) and \(number) are of two kinds: the descriptors of a link are of one")
      }
      if kind == .device, NetworkDevice.attached(to: number)?.name != NetworkDevice.attached(to: first)?.name {
        throw LinkError(
          .invalidArgument, "descriptors \(first) and \(number) are of two devices: open several queues of one device")
      }
    }
    return kind
  }

  /// Throws if no link can be made of it; returns what it is.
  private static func check(_ number: CInt, isEthernet: Bool) throws(LinkError) -> Kind {
    let kind: DescriptorKind
    do { kind = try OwnedDescriptor.status(of: number).kind } catch {
      throw LinkError(error, "descriptor \(number) is not open", code: .badDescriptor)
    }
    switch kind {
    case .socket: return try checkSocket(number, isEthernet: isEthernet)
    case .characterDevice:
      try checkDevice(number, isEthernet: isEthernet)
      return .device
    case .regularFile: throw unfit(number, "is a regular file")
    case .pipe: throw unfit(number, "is a pipe, which keeps no packet boundaries")
    case .anonymous, .other: throw unfit(number, "carries no packets")
    }
  }

  private static func checkSocket(_ number: CInt, isEthernet: Bool) throws(LinkError) -> Kind {
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
    switch facts.family {
    case .unix, .other: return .socket
    case .internet: return .internetSocket
    case .packet: break
    }
    if facts.kind != .raw { throw unfit(number, "is a packet socket without link headers: make it with SOCK_RAW") }
    try checkBinding(number, isEthernet: isEthernet)
    return .packetSocket
  }

  private static func checkBinding(_ number: CInt, isEthernet: Bool) throws(LinkError) {
    let binding: PacketSocket.Binding
    do { binding = try PacketSocket.binding(of: number) } catch {
      throw LinkError(error, "descriptor \(number)", code: .badDescriptor)
    }
    if binding.interfaceIndex <= 0 {
      throw unfit(number, "is a packet socket that is not bound to an interface: bind it to one")
    }
    switch (binding.isEthernet, isEthernet) {
    case (true, false):
      throw LinkError(
        .invalidArgument, "the interface of packet socket \(number) has Ethernet frames: set a link address")
    case (false, true):
      throw LinkError(
        .invalidArgument, "the interface of packet socket \(number) has no Ethernet frames: set no link address")
    default: break
    }
    guard isEthernet else { return }
    do { try PacketSocket.enableAuxiliaryData(number) } catch { throw LinkError(error, "packet socket \(number)") }
  }

  /// The size of the virtio-net header in front of each frame, on all descriptors alike; 0: there is none.
  static func virtioNetHeaderByteCount(_ numbers: [CInt], _ kind: Kind) throws(LinkError) -> Int {
    let byteCount = try virtioNetHeaderByteCount(numbers[0], kind)
    for number in numbers.dropFirst() where try virtioNetHeaderByteCount(number, kind) != byteCount {
      throw LinkError(
        .invalidArgument,
        "descriptors \(numbers[0]) and \(number): their virtio-net headers have two sizes, or one has none")
    }
    guard [0, VirtioNetHeader.byteCount, VirtioNetHeader.mergeableByteCount].contains(byteCount) else {
      throw unfit(numbers[0], "has virtio-net headers of \(byteCount) bytes, not of 10 or 12")
    }
    return byteCount
  }

  private static func virtioNetHeaderByteCount(_ number: CInt, _ kind: Kind) throws(LinkError) -> Int {
    do {
      switch kind {
      case .socket, .internetSocket: return 0
      case .packetSocket: return try PacketSocket.virtioNetHeaderByteCount(of: number)
      case .device:
        guard NetworkDevice.attached(to: number)?.hasVirtioNetHeader == true else { return 0 }
        return try NetworkDevice.virtioNetHeaderByteCount(of: number)
      }
    } catch { throw LinkError(error, "descriptor \(number)") }
  }

  /// The interface that a packet socket is bound to, or that a device is; nil for other sockets.
  static func interfaceIndex(of number: CInt, _ kind: Kind, _ deviceName: String?) -> Int? {
    if kind == .device { return deviceName.flatMap { NetworkDevice.index(of: $0) } }
    guard kind == .packetSocket else { return nil }
    do { return try PacketSocket.binding(of: number).interfaceIndex } catch { return nil }
  }

  static func setBuffers(of number: CInt, _ options: FDOptions) throws(LinkError) {
    do {
      try SocketFacts.setBuffers(
        of: number, receive: options.socketReceiveBufferByteCount, send: options.socketSendBufferByteCount)
    } catch { throw LinkError(error) }
  }

  private static func checkDevice(_ number: CInt, isEthernet: Bool) throws(LinkError) {
    guard let device = NetworkDevice.attached(to: number) else {
      throw unfit(number, "is a character device without a TUN or TAP interface: TUNSETIFF comes first")
    }
    guard !device.hasPacketInformation else {
      throw unfit(
        number, "is device \(device.name), which puts packet information before packets: make it with IFF_NO_PI")
    }
    switch device.kind {
    case .tap where !isEthernet:
      throw LinkError(.invalidArgument, "TAP device \(device.name) has Ethernet frames: set a link address")
    case .tun where isEthernet:
      throw LinkError(.invalidArgument, "TUN device \(device.name) has bare IP packets: set no link address")
    case .tap, .tun: break
    }
  }

  private static func unfit(_ number: CInt, _ flaw: String) -> LinkError {
    LinkError(
      .badDescriptor,
      "descriptor \(number) \(flaw); a datagram, seqpacket or packet socket, or a TUN or TAP device would do")
  }
}
