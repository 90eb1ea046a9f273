import LinkCore

/// Link headers: put on, taken off.
extension LinkConformance {
  static let headerCases = [
    Case("the link header says who, to whom and what") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let pool = sendingPool(payloads(0..<1))
        let routeSource = LinkAddress(2, 9, 9, 9, 9, 9)
        let facts: [(local: LinkAddress?, remote: LinkAddress?, type: EtherType)] = [
          (nil, nil, .unknown), (nil, LinkPairFactory.secondAddress, .ipv4), (routeSource, nil, .arp),
        ]
        for (index, fact) in facts.enumerated() {
          var batch = PacketBatch(capacity: 1, pool: pool)
          batch.append { packet in
            packet.append(20) { for index in 0..<20 { $0[index] = 0x60 } }
            packet.facts.localAddress = fact.local
            packet.facts.remoteAddress = fact.remote
            packet.facts.networkProtocol = fact.type
          }
          try batch.modify(0) { packet throws(LinkError) in try a.addHeader(to: &packet) }
          try sendAll(batch, on: a, atA)
          // They are of three flows.
          if !factory.traits.contains(.globalOrder) { _ = atB.waitForPackets(index + 1) }
        }
        try expectEqual(atB.waitForPackets(3).count, 3, "packets")
        let headers = atB.snapshot.headers
        guard factory.isEthernet else { return try expectEqual(headers, [[], [], []], "headers") }
        let expected = [
          EthernetHeader(destination: .broadcast, source: LinkPairFactory.firstAddress, type: .ipv6),
          EthernetHeader(
            destination: LinkPairFactory.secondAddress, source: LinkPairFactory.firstAddress, type: .ipv4),
          EthernetHeader(destination: .broadcast, source: routeSource, type: .arp),
        ]
        try expectEqual(headers.map { EthernetHeader($0.span) }, expected, "headers")
      }
    },
    Case("a header without headroom, or a second one, is refused") { factory in
      try factory.withPair { a, _ in
        let pool = PacketPool(chunkByteCount: 256, capacity: 2)
        var packet = pool.makePacket(headroom: 13)!
        if factory.isEthernet {
          try expectError(.invalidArgument, "addHeader() without headroom") { () throws(LinkError) in
            try a.addHeader(to: &packet)
          }
          try expectEqual(packet.frameByteCount, 0, "a refused packet's size")
          packet.reset(headroom: 14)
          try a.addHeader(to: &packet)
          try expectEqual(packet.linkHeaderLength, 14, "header length")
          try expectError(.invalidArgument, "a second addHeader()") { () throws(LinkError) in
            try a.addHeader(to: &packet)
          }
          try expectEqual(packet.frameByteCount, 14, "a refused packet's size")
        } else {
          packet.reset(headroom: 0)
          try a.addHeader(to: &packet)
          try expectEqual(packet.frameByteCount, 0, "size")
        }
      }
    },
    Case("parseHeader marks the header and stores its facts") { factory in
      try factory.withPair { a, _ in
        let pool = PacketPool(chunkByteCount: 256, capacity: 2)
        var packet = pool.makePacket()!
        let frame: [UInt8] = [2, 0, 0, 0, 0, 2, 2, 0, 0, 0, 0, 1, 0x86, 0xdd, 0x45, 0]
        packet.append(frame.count) { for index in frame.indices { $0[index] = frame[index] } }
        try expect(a.parseHeader(of: &packet), "refused")
        if factory.isEthernet {
          try expectEqual(packet.linkHeaderLength, 14, "header length")
          try expectEqual(packet.facts.networkProtocol, .ipv6, "protocol")
          try expectEqual(packet.facts.localAddress, LinkPairFactory.secondAddress, "local address")
          try expectEqual(packet.facts.remoteAddress, LinkPairFactory.firstAddress, "remote address")
          packet.reset()
          packet.append(13) { $0[0] = 2 }
          try expect(!a.parseHeader(of: &packet), "13 bytes are no header")
        } else {
          try expectEqual(packet.linkHeaderLength, 0, "header length")
          try expectEqual(packet.facts.networkProtocol, .unknown, "protocol of a first byte 2")
        }
      }
    },
    Case("a delivered packet knows its protocol and addresses") { factory in
      try factory.withPair { a, b in
        let protocols = Counter()
        let atA = Inbox()
        let atB = Inbox(onDelivery: { packets in
          for index in 0..<packets.count {
            packets.withPacket(index) { packet in
              let isRight =
                packet.facts.networkProtocol == .ipv4
                && packet.facts.remoteAddress == (factory.isEthernet ? LinkPairFactory.firstAddress : nil)
                && packet.facts.localAddress == (factory.isEthernet ? .broadcast : nil)
                && packet.linkHeaderLength == (factory.isEthernet ? 14 : 0)
              if isRight { protocols.add(1) }
            }
          }
        })
        try a.attach(atA)
        try b.attach(atB)
        try send(payloads(0..<10), on: a, atA)
        _ = atB.waitForPackets(10)
        b.detach()
        try expectEqual(protocols.value, 10, "packets with the right facts")
      }
    },
  ]
}
