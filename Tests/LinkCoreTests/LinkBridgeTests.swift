import FDLink
import LinkCore
import LinkSystem
import Synchronization
import Testing

/// Bridges between two links over socket pairs, the test at the far ends.
struct LinkBridgeTests {
  /// A bridge that was started, and its far ends.
  private func withBridge(
    _ options: LinkBridge.Options = LinkBridge.Options(), a: LinkOptions = LinkOptions(),
    b: LinkOptions = LinkOptions(),
    _ body: (LinkBridge, FarEnd, FarEnd) throws -> Void
  ) throws {
    let (linkA, farA) = try FarEnd.link(a)
    let (linkB, farB) = try FarEnd.link(b)
    let bridge = LinkBridge(linkA, linkB, options: options)
    try bridge.start()
    try body(bridge, farA, farB)
    bridge.close()
    try bridge.wait()
    #expect(bridge.ending != nil)
  }

  @Test func `both directions saturated at once lose nothing and keep order`() throws {
    let count = 100_000
    try withBridge { (bridge, farA, farB) throws in
      let isGood = Lock(false)
      let thread = try SystemThread(name: "test-far-end") {
        let result = exchangesAll(farB, count)
        isGood.withLock { $0 = result }
      }
      let isGoodHere = exchangesAll(farA, count)
      thread.join()
      #expect(isGoodHere && isGood.withLock { $0 })
      // Counted after the packets are gone: final when the links' threads are.
      bridge.close()
      try bridge.wait()
      for flow in [bridge.flowFromA, bridge.flowFromB] {
        #expect(flow.tally.packets == UInt64(count) && flow.tally.offered == UInt64(count) && flow.backlog == 0)
      }
    }
  }

  @Test func `a pool smaller than the backlog pushes back and nothing is dropped`() throws {
    try withBridge { (bridge, farA, farB) throws in
      var sent = 0
      while farA.trySend(FarEnd.message(sent, byteCount: 1400)) { sent += 1 }
      // Everybody is full, unless something moves on: each packet that is read lets another in.
      for number in 0..<5000 {
        if farA.trySend(FarEnd.message(sent, byteCount: 1400)) { sent += 1 }
        guard number < sent else { break }
        #expect(try farB.receive() == FarEnd.message(number, byteCount: 1400))
      }
      #expect(bridge.flowFromA.tally.dropped == 0)
    }
  }

  @Test func `beyond the backlog packets are dropped and counted`() throws {
    var options = LinkBridge.Options()
    options.backlogCapacity = 8
    var large = LinkOptions()
    large.pool = PacketPool(frameByteCount: 1500, capacity: 512)
    try withBridge(options, a: large) { (bridge, farA, farB) throws in
      // Far more than the sockets hold; the bridge takes all, since its pool never runs dry.
      let count = 5000
      for number in 0..<count { #expect(try farA.send(FarEnd.message(number, byteCount: 1000))) }
      farA.close()
      var numbers: [Int] = []
      while let message = try farB.receive(), !message.isEmpty { numbers.append(FarEnd.number(of: message)) }
      try bridge.wait()
      let flow = bridge.flowFromA
      #expect(flow.tally[.noRoom] > 0 && flow.backlog == 0)
      #expect(numbers.count + Int(flow.tally.dropped) == count && flow.tally.offered == UInt64(count))
      #expect(numbers == numbers.sorted() && Set(numbers).count == numbers.count)
      #expect(bridge.ending == LinkBridge.Ending(side: .a, reason: .peerDisconnected))
    }
  }

  @Test func `what a side delivered before its end still crosses`() throws {
    try withBridge { (bridge, farA, farB) throws in
      // More than the socket to the far end holds: some of it waits in the bridge.
      var count = 0
      while farA.trySend(FarEnd.message(count, byteCount: 1400)) { count += 1 }
      farA.close()
      for number in 0..<count { #expect(try farB.receive() == FarEnd.message(number, byteCount: 1400)) }
      #expect(try farB.receive() == [])
      try bridge.wait()
      #expect(bridge.ending == LinkBridge.Ending(side: .a, reason: .peerDisconnected))
      #expect(bridge.flowFromA.tally.packets == UInt64(count))
    }
  }

  @Test func `a bridge that cannot attach to both attaches to none`() throws {
    final class Idle: LinkDispatcher { func deliverPackets(_ packets: inout PacketBatch) {} }
    let (linkA, farA) = try FarEnd.link()
    let (linkB, farB) = try FarEnd.link()
    try linkB.attach(Idle())
    let bridge = LinkBridge(linkA, linkB)
    let error = #expect(throws: LinkError.self) { try bridge.start() }
    #expect(error?.code == .alreadyAttached)
    #expect(!linkA.isAttached && linkB.isAttached && bridge.ending == nil)
    linkB.detach()
    try bridge.start()
    #expect(farA.trySend(FarEnd.message(1)))
    #expect(try farB.receive() == FarEnd.message(1))
  }

  @Test func `link headers are taken off and put on between Ethernet and IP`() throws {
    let own = LinkAddress(2, 0, 0, 0, 0, 1)
    let guest = LinkAddress(2, 0, 0, 0, 0, 2)
    let addresses = [guest, own].flatMap { address in (0..<6).map { address[$0] } }
    let packet = FarEnd.message(7)
    for remote in [nil, guest] {
      var options = LinkBridge.Options()
      options.remoteAddressOfA = remote
      try withBridge(options, a: LinkOptions(linkAddress: own)) { (bridge, farA, farB) throws in
        // ARP stays out, IPv4 and IPv6 cross.
        #expect(farA.trySend(addresses + [8, 6] + packet))
        #expect(farA.trySend(addresses + [8, 0] + packet))
        #expect(farA.trySend(addresses + [0x86, 0xdd] + packet))
        #expect(try farB.receive() == packet)
        #expect(try farB.receive() == packet)
        // The other way; what is neither IPv4 nor IPv6 has no type to put into a header.
        #expect(farB.trySend([0xf0, 1, 2]))
        #expect(farB.trySend(packet))
        let destination = (0..<6).map { (remote ?? .broadcast)[$0] }
        #expect(try farA.receive() == destination + [2, 0, 0, 0, 0, 1, 8, 0] + packet)
        bridge.close()
        try bridge.wait()
        let (fromA, fromB) = (bridge.flowFromA.tally, bridge.flowFromB.tally)
        #expect(fromA[.foreign] == 1 && fromA.packets == 2 && fromA.offered == 3)
        #expect(fromB[.foreign] == 1 && fromB.packets == 1 && fromB.offered == 2)
      }
    }
  }

  @Test func `Ethernet frames cross verbatim`() throws {
    let address = LinkAddress(2, 0, 0, 0, 0, 1)
    try withBridge(a: LinkOptions(linkAddress: address), b: LinkOptions(linkAddress: address)) {
      (bridge, farA, farB) throws in
      let frame = [UInt8](0..<60)
      #expect(farB.trySend(frame))
      #expect(try farA.receive() == frame)
    }
  }

  @Test func `a closed bridge closes both links and says that it was asked to`() throws {
    try withBridge { (bridge, farA, farB) throws in
      bridge.close()
      #expect(try farA.receive() == [])
      #expect(try farB.receive() == [])
      try bridge.wait()
      #expect(bridge.ending?.reason == .requested)
    }
  }

  @Test func `a bridge that nobody holds goes on until one side ends`() throws {
    let (linkA, farA) = try FarEnd.link()
    let (linkB, farB) = try FarEnd.link()
    do {
      let bridge = LinkBridge(linkA, linkB)
      try bridge.start()
    }
    linkA.close()
    try linkA.wait()
    try linkB.wait()
    #expect(try farA.receive() == [])
    #expect(try farB.receive() == [])
  }
}

/// Sends and expects `count` numbered messages. Reads only while it cannot send: so everything on the way fills up.
private func exchangesAll(_ end: FarEnd, _ count: Int) -> Bool {
  var sent = 0
  var received = 0
  do {
    while sent < count || received < count {
      while sent < count, end.trySend(FarEnd.message(sent)) { sent += 1 }
      for _ in 0..<64 where received < count {
        guard let message = try end.receive(nanoseconds: 0) else { break }
        if message != FarEnd.message(received) { return false }
        received += 1
      }
      let events: PollEvents = sent < count ? [.input, .output] : .input
      if received < count || sent < count, try end.waits(for: events).isEmpty { return false }
    }
    return true
  } catch { return false }
}
