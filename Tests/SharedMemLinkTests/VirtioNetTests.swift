import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// Keeps the offload facts of what is delivered.
private final class FactsInbox: LinkDispatcher {
  private let facts = Monitor([PacketOffload]())

  func deliverPackets(_ packets: inout PacketBatch) {
    var seen: [PacketOffload] = []
    for index in 0..<packets.count { packets.withPacket(index) { seen.append($0.facts.offload) } }
    facts.withLock { $0 += seen }
  }

  func wait(for count: Int) -> [PacketOffload] {
    facts.wait(deadline: deadline()) { $0.count >= count ? $0.map(\.self) : nil } ?? []
  }
}

private func pair(
  _ options: LinkOptions = LinkOptions(), bufferByteCount: Int = 2048
) throws -> (client: SharedMemEndpoint, server: SharedMemEndpoint) {
  var geometry = QueueGeometry()
  geometry.bufferByteCount = bufferByteCount
  let queues = try QueuePair.make(geometry)
  let client = try SharedMemEndpoint(
    .client, queues: try queues.duplicate(), bufferByteCount: bufferByteCount, hasVirtioNetHeader: true,
    options: options)
  let server = try SharedMemEndpoint(
    .server, queues: queues, bufferByteCount: bufferByteCount, hasVirtioNetHeader: true, options: options)
  return (client, server)
}

@Suite struct `Offload facts` {
  @Test(arguments: [nil, LinkAddress(2, 0, 0, 0, 0, 1)], [true, false])
  func `arrive as they were sent, with a link header or without`(address: LinkAddress?, fromClient: Bool) throws {
    var options = LinkOptions(linkAddress: address)
    options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 1500)
    let ends = try pair(options)
    let (a, b) = fromClient ? (ends.client, ends.server) : (ends.server, ends.client)
    defer {
      a.close()
      b.close()
    }
    let inbox = FactsInbox()
    try a.attach(Inbox())
    try b.attach(inbox)
    var offload = PacketOffload()
    offload.checksum = .needed
    offload.checksumStart = 20
    offload.checksumOffset = 16
    offload.segmentation = .tcpOverIPv4
    offload.segmentByteCount = 500
    offload.headerByteCount = 40
    var verified = PacketOffload()
    verified.checksum = .verified
    let list = [offload, PacketOffload(), verified]
    var batch = PacketBatch(capacity: 3, pool: PacketPool(frameByteCount: 1514, capacity: 3))
    for (index, facts) in list.enumerated() {
      batch.append { packet in
        packet.append(1200) { $0[0] = 0x45 }
        packet.facts.offload = facts
      }
      try batch.modify(index) { packet throws(LinkError) in try a.addHeader(to: &packet) }
    }
    // A server has no room before the client's first turn.
    var sent = 0
    _ = try eventually {
      do throws(LinkError) { sent += try a.writeBatch(batch, from: sent) } catch { return false }
      return sent == 3
    }
    #expect(inbox.wait(for: 3) == list)
  }

  @Test(arguments: [true, false])
  func `let packets pass that are larger than the MTU, where somebody cuts them`(fromClient: Bool) throws {
    var options = LinkOptions()
    options.segmentation = SegmentationSupport(kind: .host, maxByteCount: 60000)
    let ends = try pair(options)
    let (a, b) = fromClient ? (ends.client, ends.server) : (ends.server, ends.client)
    defer {
      a.close()
      b.close()
    }
    #expect(a.segmentation == options.segmentation)
    let inbox = Inbox()
    try a.attach(Inbox())
    try b.attach(inbox)
    var batch = PacketBatch(capacity: 4, pool: PacketPool(frameByteCount: 60001, capacity: 4))
    for (byteCount, isToBeCut) in [(1501, false), (60000, true), (60001, true), (1500, false)] {
      batch.append { packet in
        packet.append(byteCount) { $0[0] = 0x45 }
        if isToBeCut {
          packet.facts.offload.segmentation = .tcpOverIPv4
          packet.facts.offload.segmentByteCount = 1460
        }
      }
    }
    var sent = 0
    _ = try eventually {
      do throws(LinkError) { sent += try a.writeBatch(batch, from: sent) } catch { return false }
      return sent == 4
    }
    #expect(inbox.waitForPackets(2).map(\.count) == [60000, 1500])
    #expect(a.statistics.sent[.oversize] == 2)
  }

  @Test func `of a raw frame do not count: its header is empty`() throws {
    let ends = try pair()
    defer {
      ends.client.close()
      ends.server.close()
    }
    let inbox = FactsInbox()
    try ends.client.attach(Inbox())
    try ends.server.attach(inbox)
    var batch = PacketBatch(capacity: 1, pool: PacketPool(frameByteCount: 1514, capacity: 1))
    batch.append { packet in
      packet.append(100) { $0[0] = 0x45 }
      packet.facts.offload.checksum = .verified
      packet.facts.isRawFrame = true
    }
    try ends.client.writeBatch(batch)
    #expect(inbox.wait(for: 1) == [PacketOffload()])
  }

  @Test func `are promised only by links that carry them`() throws {
    for (kind, most, hasHeader, isGood) in [
      (SegmentationSupport.Kind.host, 60000, false, false), (.host, 60000, true, true), (.software, 60000, false, true),
      (.host, 1499, true, false), (.host, 65537, true, false), (.none, 0, false, true),
    ] {
      var options = LinkOptions()
      options.segmentation = SegmentationSupport(kind: kind, maxByteCount: most)
      var code: LinkError.Code?
      let queues = try QueuePair.make()
      do throws(LinkError) {
        _ = try SharedMemEndpoint(.client, queues: queues, hasVirtioNetHeader: hasHeader, options: options)
      } catch { code = error.code }
      #expect(code == (isGood ? nil : .invalidArgument), "\(kind) \(most) \(hasHeader)")
    }
  }

  @Test func `leave an MTU that counts their header`() throws {
    // Sixty-four buffers of 64 bytes, ten bytes of which the header takes.
    var geometry = QueueGeometry()
    geometry.dataByteCount = 4096
    geometry.bufferByteCount = 64
    for role in [SharedMemEndpoint.Role.client, .server] {
      for (mtu, isGood) in [(4096, false), (4087, false), (4086, true)] {
        let queues = try QueuePair.make(geometry)
        var code: LinkError.Code?
        do throws(LinkError) {
          let link = try SharedMemEndpoint(
            role, queues: queues, bufferByteCount: 64, hasVirtioNetHeader: true, options: LinkOptions(mtu: mtu))
          link.mtu = 65000
          #expect(link.mtu == 4086)
          #expect(link.hasVirtioNetHeader)
        } catch { code = error.code }
        #expect(code == (isGood ? nil : .invalidArgument), "\(role), \(mtu)")
      }
    }
  }
}
