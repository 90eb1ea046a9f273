import CLinkShims
import Glibc

/// What the kernel leaves to be done to the packets of a device, when a virtio-net header tells of it.
extension NetworkDevice {
  /// `TUN_F_*`.
  package struct Offloads: OptionSet, Sendable {
    package let rawValue: UInt
    package init(rawValue: UInt) { self.rawValue = rawValue }

    package static let checksum = Offloads(rawValue: LINK_TUN_F_CSUM)
    package static let tcpOverIPv4 = Offloads(rawValue: LINK_TUN_F_TSO4 | LINK_TUN_F_TSO_ECN)
    package static let tcpOverIPv6 = Offloads(rawValue: LINK_TUN_F_TSO6 | LINK_TUN_F_TSO_ECN)
    /// Linux 6.2 and later. The kernel wants both or none.
    package static let udp = Offloads(rawValue: LINK_TUN_F_USO4 | LINK_TUN_F_USO6)
  }

  /// Gives the packets of a device with `IFF_VNET_HDR` a header of this size, whatever they had: the ten bytes that are
  /// looked at, and zeros. `TUNSETVNETHDRSZ`.
  package static func setVirtioNetHeader(_ number: CInt, byteCount: CInt = 10) throws(SystemError) {
    var byteCount = byteCount
    try control(number, LINK_TUNSETVNETHDRSZ, &byteCount, "ioctl(TUNSETVNETHDRSZ)")
    try setLittleEndian(number)
  }

  /// The header's numbers are little endian on every processor, whatever they were. `TUNSETVNETLE`.
  package static func setLittleEndian(_ number: CInt) throws(SystemError) {
    var one: CInt = 1
    try control(number, LINK_TUNSETVNETLE, &one, "ioctl(TUNSETVNETLE)")
  }

  /// The bytes in front of each packet of a device with `IFF_VNET_HDR`. `TUNGETVNETHDRSZ`.
  package static func virtioNetHeaderByteCount(of number: CInt) throws(SystemError) -> Int {
    var byteCount: CInt = 0
    try control(number, LINK_TUNGETVNETHDRSZ, &byteCount, "ioctl(TUNGETVNETHDRSZ)")
    return Int(byteCount)
  }

  /// Has the kernel leave just these to the reader, on all queues of the device. False, and nothing changed, if it does not
  /// know one of them. `TUNSETOFFLOAD`.
  package static func setOffloads(_ number: CInt, _ offloads: Offloads) throws(SystemError) -> Bool {
    if link_ioctl_value(number, LINK_TUNSETOFFLOAD, offloads.rawValue) == 0 { return true }
    if errno == EINVAL { return false }
    throw SystemError("ioctl(TUNSETOFFLOAD)", errno)
  }
}
