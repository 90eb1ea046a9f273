import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Synchronization
import Testing

/// Links over more than one descriptor.
struct SeveralDescriptorsTests {
  @Test(arguments: [1, 2, 4], [true, false])
  func `every flow stays in order under load`(_ count: Int, _ isConcurrent: Bool) throws {
    let (sender, receiver) = try links(count)
    let order = FlowOrder(isConcurrent: isConcurrent)
    try receiver.attach(order)
    let room = try Collector()
    try sender.attach(room)
    try Flows.send(1000, over: sender, room)
    _ = try eventually { order.count == 1000 * Flows.count }
    #expect(order.count == 1000 * Flows.count && order.disorder == 0)
    #expect(isConcurrent || order.mostAtOnce == 1)
    for link in [sender, receiver] {
      link.close()
      try link.wait()
    }
    #expect(sender.statistics.sent.packets == UInt64(1000 * Flows.count))
    #expect(receiver.statistics.received.offered == UInt64(1000 * Flows.count))
    #expect(order.closings == 1)
  }

  @Test func `a dispatcher that takes it is called by several threads at once`() throws {
    let (sender, receiver) = try links(4)
    let order = FlowOrder(isConcurrent: true, waitsForCompany: true)
    try receiver.attach(order)
    try sender.attach(Collector())
    _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
    #expect(try eventually { order.count == Flows.count })
    #expect(order.mostAtOnce > 1)
    sender.close()
    receiver.close()
  }

  @Test func `a write ends at the first packet whose descriptor is full, and room is announced`() throws {
    let pairs = try (0..<2).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
    let peers = pairs.map { RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: $0[1]))) }
    // The optimizer ends them after their last use, and that is the end of the link.
    defer { withExtendedLifetime(peers) {} }
    let link = try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] })
    let collector = try Collector()
    try link.attach(collector)
    // The hash that a packet brings chooses.
    func write(_ hashes: [UInt32]) throws(LinkError) -> Int {
      var batch = PacketBatch(capacity: 64, pool: Flows.pool)
      for hash in hashes {
        batch.append { packet in
          packet.append(100) { $0[0] = 0x45 }
          packet.facts.flowHash = hash
        }
      }
      return try link.writeBatch(batch)
    }
    let full = #expect(throws: LinkError.self) { while true { _ = try write([2]) } }
    #expect(full?.code == .wouldBlock)
    let before = link.statistics.sent.packets
    #expect(try write([1, 1, 2, 1]) == 2)
    #expect(try write([3, 1, 1]) == 3)
    #expect(link.statistics.sent.packets == before + 5)
    while peers[0].receive() != nil {}
    #expect(collector.waits { $0.roomCalls > 0 })
    #expect(try write([2, 1]) == 2)
    link.close()
    try link.wait()
  }

  @Test func `the end of one descriptor is the end of the link, after all that was sent`() throws {
    for gone in 0..<3 {
      let pairs = try (0..<3).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
      var peers = pairs.map { RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: $0[1]))) }
      let link = try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] })
      for peer in peers { for number in 0..<50 { _ = peer.send(numbered(number)) } }
      peers.remove(at: gone)
      defer { withExtendedLifetime(peers) {} }
      let collector = try Collector()
      try link.attach(collector)
      #expect(collector.waits { !$0.closings.isEmpty })
      try link.wait()
      #expect(collector.frames.count == 150 && collector.now.late == 0)
      #expect(collector.now.closings == [.peerDisconnected])
    }
  }

  @Test func `a descriptor that hears of the end from another delivers all, though its reads report the end first`()
    throws
  {
    var options = LinkOptions()
    options.batchCapacity = 1
    for _ in 0..<20 {
      let pairs = try (0..<2).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
      var peers = pairs.map { RawPeer.Box(RawPeer(socket: OwnedDescriptor(owning: $0[1]))) }
      let link = try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] }, options: options)
      let (order, entered, leave) = (FlowOrder(isConcurrent: true), Latch(), Latch())
      order.onDelivery = {
        if entered.isOpen { return }
        entered.open()
        _ = leave.wait(deadline: deadline())
      }
      try link.attach(order)
      try peers[1].deliver(Flows.frame(1, 0))
      #expect(entered.wait(deadline: deadline()))
      for number in 1..<20 { try peers[1].deliver(Flows.frame(1, number)) }
      // Left unread, it makes the kernel report the end in front of what is queued.
      var batch = PacketBatch(capacity: 1, pool: Flows.pool)
      batch.append { packet in
        packet.append(100) { $0[0] = 0x45 }
        packet.facts.flowHash = 1
      }
      _ = try link.writeBatch(batch)
      // The other descriptor comes to its end while this one delivers.
      try peers[0].deliver(Flows.frame(0, 0))
      peers = []
      #expect(try eventually { order.count == 1 })
      leave.open()
      try link.wait()
      #expect(order.count == 21 && order.disorder == 0 && order.late == 0 && order.closings == 1)
    }
  }

  @Test(arguments: [false, true])
  func `a link is closed or detached from inside any callback`(_ isClosing: Bool) throws {
    for _ in 0..<30 {
      let (sender, receiver) = try links(4)
      try expectEndInsideCallback(sender, receiver, isClosing: isClosing, isConcurrent: false)
    }
  }

  @Test func `a pool smaller than all batches serves every descriptor`() throws {
    var options = LinkOptions()
    options.pool = PacketPool(frameByteCount: 1500, capacity: 5)
    let (sender, receiver) = try links(4, options)
    let order = FlowOrder(isConcurrent: false)
    try receiver.attach(order)
    let room = try Collector()
    try sender.attach(room)
    try Flows.send(100, over: sender, room)
    #expect(try eventually { order.count == 100 * Flows.count } && order.disorder == 0)
    sender.close()
    try receiver.wait()
    options.pool = PacketPool(frameByteCount: 1500, capacity: 2)
    #expect(throws: LinkError.self) { _ = try links(3, options) }
  }

  @Test func `close actions, ends and waits of several threads agree`() throws {
    for _ in 0..<30 {
      let (sender, receiver) = try links(3)
      let order = FlowOrder(isConcurrent: true)
      let actions = Counter()
      receiver.setCloseAction { actions.add(1) }
      try receiver.attach(order)
      try sender.attach(Collector())
      _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
      try concurrently(4) { number in
        if number == 0 { sender.close() } else if number == 1 { receiver.detach() } else { receiver.close() }
        do { try receiver.wait() } catch { Issue.record("\(error)") }
      }
      #expect(actions.value == 1 && order.closings <= 1)
      try sender.wait()
    }
  }

  @Test func `descriptors that do not belong together are refused, and stay as they were`() throws {
    func code(_ numbers: [CInt], _ options: LinkOptions = LinkOptions()) -> LinkError.Code? {
      do throws(LinkError) { _ = try FDEndpoint(takingOwnershipOf: numbers, options: options) } catch {
        return error.code
      }
      return nil
    }
    let pair = try UnixSocket.pair(.seqpacket).takeBoth()
    let a = OwnedDescriptor(owning: pair[0])
    let b = OwnedDescriptor(owning: pair[1])
    #expect(code([]) == .invalidArgument)
    #expect(code([a.number, a.number]) == .invalidArgument)
    let null = try openNullDevice()
    #expect(code([a.number, null.number]) == .badDescriptor)
    var driven = LinkOptions()
    driven.drive = .caller
    #expect(code([a.number, b.number], driven) == .invalidArgument)
    _ = try OwnedDescriptor.status(of: a.number)
  }

  @Test func `links over several descriptors leave nothing behind`() async {
    await #expect(processExitsWith: .success) {
      func cycles(_ count: Int) throws {
        for _ in 0..<count {
          let (sender, receiver) = try links(3)
          try receiver.attach(FlowOrder(isConcurrent: false))
          try sender.attach(Collector())
          _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
          sender.close()
          for link in [sender, receiver] { try link.wait() }
        }
      }
      try cycles(2)
      let before = try ResourceSnapshot.baseline()
      try cycles(50)
      _ = try eventually { try ResourceSnapshot().excess(over: before) == [] }
      let excess = try ResourceSnapshot().excess(over: before)
      try #require(excess == [], "\(excess)")
    }
  }
}

/// Two links joined by `count` socket pairs.
private func links(_ count: Int, _ options: LinkOptions = LinkOptions()) throws -> (FDEndpoint, FDEndpoint) {
  let pairs = try (0..<count).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
  do throws(LinkError) {
    let receiver = try FDEndpoint(takingOwnershipOf: pairs.map { $0[1] }, options: options)
    return (try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] }), receiver)
  } catch {
    for number in pairs.flatMap({ [$0[0], $0[1]] }) { _ = OwnedDescriptor(owning: number) }
    throw error
  }
}
