import LinkCore

/// Frames that go out as they are.
extension LinkConformance {
  static let rawFrameCases = [
    Case("a raw frame arrives as it was written") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let header = EthernetHeader(
          destination: LinkPairFactory.secondAddress, source: LinkAddress(2, 5, 5, 5, 5, 5), type: .arp)
        let list = [20, 60, 1500].map { raw(header, payload(0, $0), on: a) }
        for frame in list { try write(frame, on: a, atA) }
        try expectEqual(atB.waitForPackets(3).count, 3, "packets")
        let record = atB.snapshot
        try expectEqual(zip(record.headers, record.packets).map { $0 + $1 }, list, "frames")
        let sent = a.statistics.sent
        try expectEqual(sent.packets, 3, "sent packets")
        try expectEqual(sent.bytes, UInt64(list.reduce(0) { $0 + $1.count }), "sent bytes")
        try expectEqual(sent.dropped, 0, "drops")
      }
    },
    Case("a raw frame needs no link header, and may have any size up to the MTU and one", needs: .anyLength) {
      factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let most = a.mtu + a.maxHeaderLength
        // Shorter than a link header it is sent all the same, and the other end makes of it what it likes.
        for byteCount in [1, 13, most] { try write(payload(byteCount, byteCount), on: a, atA) }
        try expectEqual(a.statistics.sent.packets, 3, "sent packets")
        try expect(eventually { b.statistics.received.offered == 3 }, "frames at the other end")
        try expectEqual(b.statistics.received[.runt], factory.isEthernet ? 2 : 0, "runts")
        let good = (factory.isEthernet ? [most] : [1, 13, most]).map {
          Array(payload($0, $0).dropFirst(a.maxHeaderLength))
        }
        try factory.expectPackets(good, at: atB)
        for byteCount in [0, most + 1, 100_000, 1 << 25] {
          let bytes = [UInt8](repeating: 0x45, count: byteCount)
          try expectError(.invalidArgument, "a raw frame of \(byteCount) bytes") { () throws(LinkError) in
            try a.writeRawFrame(bytes.span)
          }
        }
        try expectEqual(a.statistics.sent.offered, 3, "offered")
      }
    },
    Case("a raw frame is refused where a packet would be", needs: .backPressure) { factory in
      try factory.withPair { a, b in
        let bytes = payload(0, 60)
        try expectError(.notAttached, "a raw frame on an idle link") { () throws(LinkError) in
          try a.writeRawFrame(bytes.span)
        }
        try prime(a, b)
        try a.attach(Inbox())
        _ = try fill({ payload($0, 700) }, on: a)
        let large = payload(0, 700 + a.maxHeaderLength)
        try expectError(.wouldBlock, "a raw frame on a full link") { () throws(LinkError) in
          while true { try a.writeRawFrame(large.span) }
        }
        a.close()
        try expectEnd(a)
        try expectError(.closed, "a raw frame on a closed link") { () throws(LinkError) in
          try a.writeRawFrame(bytes.span)
        }
      }
    },
    Case("raw frames and packets go out in one batch, in order") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let header = EthernetHeader(
          destination: LinkPairFactory.secondAddress, source: LinkAddress(2, 5, 5, 5, 5, 5), type: .ipv4)
        let list = (0..<4).map { $0 == 2 ? raw(header, payload($0, 100), on: a) : payload($0, 100) }
        var batch = try batch(list[...], for: a, pool: sendingPool(list))
        // One without a link header among packets that have theirs.
        batch.modify(2) { packet in
          packet.removeLinkHeader()
          packet.facts.isRawFrame = true
        }
        try sendAll(batch, on: a, atA)
        try expectEqual(a.statistics.sent.packets, 4, "sent packets")
        try expectEqual(atB.waitForPackets(4), payloads(0..<4), "packets")
        let record = atB.snapshot
        try expectEqual(record.headers[2] + record.packets[2], list[2], "the raw frame")
      }
    },
  ]

  /// A whole frame for this link.
  private static func raw(_ header: EthernetHeader, _ payload: [UInt8], on link: any LinkEndpoint) -> [UInt8] {
    guard link.hardwareType == .ethernet else { return payload }
    var frame = [UInt8](repeating: 0, count: EthernetHeader.byteCount)
    var span = frame.mutableSpan
    header.write(to: &span)
    return frame + payload
  }

  private static func write(_ frame: [UInt8], on link: any LinkEndpoint, _ inbox: Inbox) throws {
    while true {
      let seen = inbox.roomCalls
      do throws(LinkError) { return try link.writeRawFrame(frame.span) } catch {
        guard error.code == .wouldBlock else { throw error }
      }
      try expect(inbox.waitForRoom(after: seen), "linkHasRoom() did not come")
    }
  }
}
