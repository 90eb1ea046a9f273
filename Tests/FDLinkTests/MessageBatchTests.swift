import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Many packets per system call: `recvmmsg(2)` and `sendmmsg(2)`.
struct MessageBatchTests {
  static func options(_ mode: DispatchMode, receiveBatch: Int = 32, headerBytes: Int = 0) -> FDOptions {
    var options = FDOptions()
    options.dispatchMode = mode
    options.receiveBatch = receiveBatch
    options.maxSyscallHeaderByteCount = headerBytes
    return options
  }

  @Test(arguments: [1, 2, 7, 32, 64])
  func `a receive batch of any size brings everything in order`(_ receiveBatch: Int) throws {
    try withLink(.seqpacket, fdOptions: Self.options(.recvmmsg, receiveBatch: receiveBatch)) { link, peer in
      let collector = try Collector()
      try link.attach(collector)
      let frames = (0..<500).map { numbered($0, byteCount: 20 + $0 % 1400) }
      for frame in frames { #expect(try peer.waitToSend(frame)) }
      #expect(collector.waits { $0.frames.count == 500 })
      #expect(collector.frames == frames)
    }
  }

  @Test func `good and odd frames in any mixture are told apart`() throws {
    var random = SeededRandom("good and odd frames")
    for _ in 0..<20 {
      var options = LinkOptions(mtu: 200)
      options.drive = .caller
      options.batchCapacity = Int.random(in: 1...64, using: &random)
      let receiveBatch = Int.random(in: 1...64, using: &random)
      try withLink(.seqpacket, options, fdOptions: Self.options(.recvmmsg, receiveBatch: receiveBatch)) { link, peer in
        let collector = try Collector()
        try link.attach(collector)
        let sizes = (0..<100).map { _ in [0, 5, 200, 201, 3000].randomElement(using: &random)! }
        for (index, size) in sizes.enumerated() {
          _ = peer.send(size == 0 ? [] : numbered(index, byteCount: size))
          if index % 10 == 9 { while link.step() == .delivered {} }
        }
        // A turn may have met odd frames only.
        for _ in 0..<200 { _ = link.step() }
        let good = sizes.indices.filter { (1...200).contains(sizes[$0]) }
        let expected = good.map { numbered($0, byteCount: sizes[$0]) }
        #expect(collector.frames == expected, "seed \(random.seed)")
        let received = link.statistics.received
        #expect(received[.empty] == UInt64(sizes.count { $0 == 0 }), "seed \(random.seed)")
        #expect(received[.oversize] == UInt64(sizes.count { $0 > 200 }), "seed \(random.seed)")
        #expect(received.offered == 100, "seed \(random.seed)")
      }
    }
  }

  @Test(arguments: [1, 2, 63, 64, 65, 700, 5000])
  func `a write of any length takes exactly what it says`(_ count: Int) throws {
    for headerBytes in [0, 80, 240] {
      let pool = PacketPool(frameByteCount: 100, capacity: count)
      try withLink(.seqpacket, fdOptions: Self.options(.automatic, headerBytes: headerBytes)) { link, peer in
        let collector = try Collector()
        try link.attach(collector)
        var queue = PacketQueue(capacity: count)
        for number in 0..<count {
          var packet = pool.makePacket()!
          let frame = numbered(number)
          packet.append(64) { bytes in for index in 0..<64 { bytes[index] = frame[index] } }
          queue.append(packet)
        }
        var seen = 0
        while !queue.isEmpty {
          var taken = 0
          do throws(LinkError) {
            taken = try queue.withFront { packets throws(LinkError) in try link.writePackets(packets) }
          } catch { #expect(error.code == .wouldBlock) }
          for _ in 0..<taken { _ = queue.removeFirst() }
          while let frame = peer.receive() {
            #expect(number(of: frame) == seen)
            seen += 1
            taken -= 1
          }
          #expect(taken == 0)
        }
        #expect(seen == count && link.statistics.sent.packets == UInt64(count))
      }
    }
  }

  @Test func `packets that can never be sent do not stop those around them`() throws {
    try withLink(.seqpacket) { link, peer in
      try link.attach(Collector())
      let sizes = [20, 1501, 20, 20, 1501, 1501, 20, 20, 20, 1501]
      let frames = sizes.enumerated().map { numbered($0, byteCount: $1) }
      #expect(try link.write(frames: frames, pool: PacketPool(frameByteCount: 1501, capacity: 64)) == 10)
      for number in [0, 2, 3, 6, 7, 8] { #expect(peer.receive() == frames[number]) }
      #expect(peer.receive() == nil)
      let sent = link.statistics.sent
      #expect(sent.packets == 6 && sent[.oversize] == 4 && sent.bytes == 120 && sent.batches == 1)
    }
  }

  @Test func `a way that the descriptor does not have is refused`() throws {
    let pair = try UnixSocket.pair(.seqpacket)
    for options in [
      Self.options(.recvmmsg, receiveBatch: 0), Self.options(.recvmmsg, receiveBatch: 65),
      Self.options(.automatic, headerBytes: 79), Self.options(.automatic, headerBytes: -1),
    ] {
      let error = #expect(throws: LinkError.self) {
        try FDEndpoint(takingOwnershipOf: pair.first.number, fdOptions: options)
      }
      #expect(error?.code == .invalidArgument)
    }
    #expect(throws: Never.self) { try pair.first.status() }
  }
}
