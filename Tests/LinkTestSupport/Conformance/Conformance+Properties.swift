import LinkCore

/// What a link says of itself, and what can be set while it runs.
extension LinkConformance {
  static let propertyCases = [
    Case("a link says what its options said") { factory in
      try factory.withPair(LinkOptions(mtu: 1400)) { a, _ in
        try expectEqual(a.mtu, 1400, "mtu")
        try expectEqual(a.linkAddress, factory.isEthernet ? LinkPairFactory.firstAddress : nil, "address")
        try expectEqual(a.maxHeaderLength, factory.isEthernet ? 14 : 0, "header length")
        try expectEqual(a.hardwareType, factory.isEthernet ? .ethernet : .none, "hardware type")
        try expectEqual(a.capabilities.contains(.resolutionRequired), factory.isEthernet, "resolution required")
        try expectEqual(a.statistics, LinkStatistics(), "statistics")
      }
    },
    Case("capabilities that the owner states are there") { factory in
      var options = LinkOptions()
      options.capabilities = [.transmitChecksumOffload, .saveRestore, .disconnectOK]
      try factory.withPair(options) { a, _ in
        try expect(a.capabilities.isSuperset(of: options.capabilities), "\(a.capabilities)")
      }
    },
    Case("the MTU can be set while the link runs") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        try send([payload(0, 1500)], on: a, atA)
        try expectEqual(atB.waitForPackets(1).count, 1, "packets")
        a.mtu = 500
        b.mtu = 500
        try expectEqual(a.mtu, 500, "mtu")
        try send([payload(1, 501), payload(2, 500)], on: a, atA)
        try expectEqual(atB.waitForPackets(2).map(number), [0, 2], "packets")
        try expectEqual(a.statistics.sent[.oversize], 1, "oversize")
        a.mtu = 9000
        b.mtu = 9000
        try send([payload(3, 9000)], on: a, atA)
        try expectEqual(atB.waitForPackets(3).last, payload(3, 9000), "the large packet")
      }
    },
    Case("an MTU that cannot be is brought into range or ignored") { factory in
      try factory.withPair { a, _ in
        for mtu in [0, -1, 1 << 40, Int.min, Int.max] {
          a.mtu = mtu
          try expect(LinkOptions.mtuRange.contains(a.mtu), "mtu \(a.mtu) after \(mtu) was set")
        }
      }
    },
    Case("the address can be set where there is one") { factory in
      try factory.withPair { a, b in
        let (atA, atB) = (Inbox(), Inbox())
        try a.attach(atA)
        try b.attach(atB)
        let address = LinkAddress(2, 7, 7, 7, 7, 7)
        a.linkAddress = address
        try expectEqual(a.linkAddress, factory.isEthernet ? address : nil, "address")
        a.linkAddress = nil
        try expectEqual(a.linkAddress, factory.isEthernet ? address : nil, "address after nil was set")
        try send(payloads(0..<1), on: a, atA)
        _ = atB.waitForPackets(1)
        if factory.isEthernet {
          let header = atB.snapshot.headers[0]
          try expectEqual(EthernetHeader(header.span)?.source, address, "source")
        }
      }
    },
  ]
}
