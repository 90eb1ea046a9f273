package import LinkCore

/// Packets to be sent, and how they are sent.
extension LinkConformance {
  /// A payload that tells its number, of `byteCount` bytes: the number first, as far as it fits, then a pattern. The first
  /// four bits are an IP version's. All of 20 bytes and more are of one flow, so that they stay in order over several
  /// descriptors too: neither addresses nor protocol depend on the number, and the protocol (253, for experiments) has no
  /// ports.
  package static func payload(_ number: Int, _ byteCount: Int) -> [UInt8] {
    (0..<byteCount).map { index in
      switch index {
      case 0: 0x45
      case 1...4: UInt8(truncatingIfNeeded: number >> (8 * (index - 1)))
      case 6, 7: 0
      case 9: 253
      case 5..<20: UInt8(index)
      default: UInt8(truncatingIfNeeded: number &* 7 &+ index)
      }
    }
  }

  package static func payloads(_ numbers: Range<Int>, _ byteCount: Int = 100) -> [[UInt8]] {
    numbers.map { payload($0, byteCount) }
  }

  /// The number of a payload of five bytes and more.
  static func number(_ payload: [UInt8]) -> Int { (1...4).reduce(0) { $0 | Int(payload[$1]) << (8 * ($1 - 1)) } }

  /// A batch of these payloads, framed by `link`.
  static func batch(_ payloads: ArraySlice<[UInt8]>, for link: any LinkEndpoint, pool: PacketPool) throws -> PacketBatch
  {
    var batch = PacketBatch(capacity: 64, pool: pool)
    for payload in payloads {
      let isAdded = batch.append { packet in
        packet.append(payload.count) { bytes in for index in payload.indices { bytes[index] = payload[index] } }
      }
      try expect(isAdded, "the test's own pool is too small")
    }
    for index in 0..<batch.count {
      try batch.modify(index) { packet throws(LinkError) in try link.addHeader(to: &packet) }
    }
    return batch
  }

  /// Sends one packet each way. A link may have to be attached once before its peer can send to it.
  static func prime(_ a: any LinkEndpoint, _ b: any LinkEndpoint) throws {
    let (atA, atB) = (Inbox(), Inbox())
    try a.attach(atA)
    try b.attach(atB)
    try send(payloads(0..<1), on: a, atA)
    try send(payloads(0..<1), on: b, atB)
    let count = atA.waitForPackets(1).count + atB.waitForPackets(1).count
    a.detach()
    b.detach()
    try expectEqual(count, 2, "first packets")
  }

  static func sendingPool(_ payloads: [[UInt8]]) -> PacketPool {
    PacketPool(frameByteCount: (payloads.map(\.count).max() ?? 0) + EthernetHeader.byteCount, capacity: 64)
  }

  /// Sends all payloads, in batches of up to 64, and waits for room where there is none.
  /// `patience`: when to try again though nobody announced room; for senders that share a link.
  package static func send(
    _ payloads: [[UInt8]], on link: any LinkEndpoint, _ inbox: Inbox, patience: Duration? = nil,
    file: String = #fileID, line: UInt = #line
  ) throws {
    let pool = sendingPool(payloads)
    var start = 0
    while start < payloads.count {
      let end = min(start + 64, payloads.count)
      let batch = try batch(payloads[start..<end], for: link, pool: pool)
      var sent = 0
      while sent < batch.count {
        let seen = inbox.roomCalls
        sent += try writeSome(batch, from: sent, on: link)
        if sent == batch.count { break }
        let came = inbox.waitForRoom(after: seen, deadline: deadline(after: patience ?? .seconds(30)))
        try expect(came || patience != nil, "linkHasRoom() did not come", file: file, line: line)
      }
      start = end
    }
  }

  /// Sends the whole batch, waiting for room where there is none.
  static func sendAll(_ batch: borrowing PacketBatch, on link: any LinkEndpoint, _ inbox: Inbox) throws {
    var sent = 0
    while sent < batch.count {
      let seen = inbox.roomCalls
      sent += try writeSome(batch, from: sent, on: link)
      if sent < batch.count { try expect(inbox.waitForRoom(after: seen), "linkHasRoom() did not come") }
    }
  }

  /// One write; 0 where it would block.
  static func writeSome(_ batch: borrowing PacketBatch, from: Int, on link: any LinkEndpoint) throws -> Int {
    do throws(LinkError) {
      let count = try link.writeBatch(batch, from: from)
      precondition(count > 0 && count <= batch.count - from, "a write of \(batch.count - from) packets took \(count)")
      return count
    } catch {
      if error.code == .wouldBlock { return 0 }
      throw error
    }
  }

  /// Sends until a write takes less than it was given; returns what was taken. At most `limit` packets.
  static func fill(_ payload: (Int) -> [UInt8], on link: any LinkEndpoint, limit: Int = 100_000) throws -> [[UInt8]] {
    let pool = sendingPool([payload(0)])
    var taken: [[UInt8]] = []
    while taken.count < limit {
      let next = (taken.count..<taken.count + 32).map(payload)
      let batch = try batch(next[...], for: link, pool: pool)
      let count = try writeSome(batch, from: 0, on: link)
      taken += next[..<count]
      if count < next.count { return taken }
    }
    throw ConformanceFailure(message: "\(limit) packets and still room", file: #fileID, line: #line)
  }
}

extension LinkPairFactory {
  /// Packets that `a` sends while their flow comes back from `b` stay in order after this. A device with several queues
  /// moves a flow to the queue that a packet of it was written to, when it has taken that packet in: what came back before
  /// may lie in another queue then.
  func settleFlow(_ a: any LinkEndpoint, _ b: any LinkEndpoint) throws {
    if !traits.contains(.globalOrder) { try LinkConformance.prime(a, b) }
  }

  /// Packets of so many bytes and more arrive in their order. Shorter ones have no addresses, and so are of other flows;
  /// fewer than five bytes do not hold a number.
  var leastOfOneFlow: Int { traits.contains(.globalOrder) ? 5 : 20 }

  /// Packets of several flows have arrived, in the order that the medium promises.
  func expectPackets(
    _ expected: [[UInt8]], at inbox: Inbox, file: String = #fileID, line: UInt = #line
  ) throws {
    let packets = inbox.waitForPackets(expected.count)
    if traits.contains(.globalOrder) { return try expectEqual(packets, expected, "packets", file: file, line: line) }
    let lists = [packets, expected].map { $0.sorted { $0.lexicographicallyPrecedes($1) } }
    try expectEqual(lists[0], lists[1], "packets, in any order", file: file, line: line)
  }
}
