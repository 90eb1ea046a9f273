import Eventfd
import LinkCore
import SharedMemLink
import Testing

/// What somebody who only reads the documentation writes.
@Suite struct StrangerTests {
  /// A link that wraps a link and counts what goes through it.
  private final class CountingLink: LinkEndpoint {
    private let inner: any LinkEndpoint
    init(_ inner: any LinkEndpoint) { self.inner = inner }
    var mtu: Int {
      get { inner.mtu }
      set { inner.mtu = newValue }
    }
    var linkAddress: LinkAddress? {
      get { inner.linkAddress }
      set { inner.linkAddress = newValue }
    }
    var maxHeaderLength: Int { inner.maxHeaderLength }
    var capabilities: LinkCapabilities { inner.capabilities }
    var hardwareType: HardwareType { inner.hardwareType }
    var segmentation: SegmentationSupport { inner.segmentation }
    var statistics: LinkStatistics { inner.statistics }
    var isAttached: Bool { inner.isAttached }
    func attach(_ dispatcher: any LinkDispatcher) throws(LinkError) { try inner.attach(dispatcher) }
    func detach() { inner.detach() }
    func addHeader(to packet: inout PacketBuffer) throws(LinkError) { try inner.addHeader(to: &packet) }
    func parseHeader(of packet: inout PacketBuffer) -> Bool { inner.parseHeader(of: &packet) }
    func writePackets(_ packets: Span<PacketBuffer>) throws(LinkError) -> Int { try inner.writePackets(packets) }
    func close() { inner.close() }
    func wait() throws(LinkError) { try inner.wait() }
    func setCloseAction(_ action: (@Sendable () -> Void)?) { inner.setCloseAction(action) }
  }

  /// A dispatcher that implements only what it must.
  private final class Bell: LinkDispatcher {
    let bell: EventFD
    init(_ bell: consuming EventFD) { self.bell = bell }
    func deliverPackets(_ packets: inout PacketBatch) {
      do { _ = try bell.write(UInt64(packets.count)) } catch {}
    }
  }

  @Test func `a packet crosses a link that is wrapped`() throws {
    let queues = try QueuePair.make()
    let client = CountingLink(try SharedMemEndpoint(.client, queues: try queues.duplicate()))
    let server = try SharedMemEndpoint(.server, queues: queues)
    let arrived = try EventFD()
    let never = try EventFD()
    try server.attach(Bell(try arrived.duplicate()))
    try client.attach(Bell(try never.duplicate()))

    var batch = PacketBatch(capacity: 4, pool: PacketPool(frameByteCount: client.mtu, capacity: 4))
    batch.append { packet in packet.append(3) { bytes in bytes[0] = 0x45 } }
    #expect(try client.writeBatch(batch) == 1)
    #expect(try arrived.wait(stop: never, timeout: .seconds(30)) == .notified)
    #expect(client.statistics.sent.packets == 1)

    server.close()
    client.close()
    try server.wait()
    try client.wait()
    do {
      try client.attach(Bell(never))
      Issue.record("a closed link was attached")
    } catch { #expect(error.code == .closed) }
  }

  @Test func `a frame is built from inside out and read by its layers`() throws {
    let pool = PacketPool(frameByteCount: 1514, capacity: 1)
    guard var packet = pool.makePacket() else {
      Issue.record("an empty pool")
      return
    }
    packet.append(4) { bytes in for index in 0..<4 { bytes[index] = UInt8(index) } }
    packet.prepend(20) { bytes in bytes[0] = 0x45 }
    let first = packet.withBytes { $0[0] }
    #expect(EtherType(ofIPPacketStartingWith: first) == .ipv4)
    #expect(packet.byteCount == 24)
  }

  @Test func `options that cannot be say what could`() throws {
    var options = LinkOptions(mtu: 9, linkAddress: LinkAddress("02:00:00:00:00:01"))
    do {
      _ = try SharedMemEndpoint(.client, queues: try QueuePair.make(), options: options)
      Issue.record("an mtu of 9")
    } catch {
      #expect(error.code == .invalidArgument)
      #expect("\(error)".contains("mtu 9: must be 68 to 65536"))
    }
    options.mtu = 1280
    let link = try SharedMemEndpoint(.client, queues: try QueuePair.make(), options: options)
    #expect(link.maxHeaderLength == EthernetHeader.byteCount && link.hardwareType == .ethernet)
    link.close()
    try link.wait()
  }
}
