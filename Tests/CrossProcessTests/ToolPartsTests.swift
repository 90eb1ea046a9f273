// Only debug builds are compiled for testing of internals; the parts are the same in both.
#if DEBUG
  import LinkCore
  import LinkSystem
  import SharedMemLink
  import Testing

  @testable import shmpeer

  @Suite struct `The tool's parts` {
    @Test func `CRC-32C has its published values, in pieces too`() {
      let digits = Array("123456789".utf8)
      #expect(CRC32C.sum(digits.span) == 0xe306_9283)
      #expect(CRC32C.sum([UInt8](repeating: 0, count: 32).span) == 0x8a91_36aa)
      #expect(CRC32C.sum([UInt8](repeating: 0xff, count: 32).span) == 0x62a8_ab43)
      #expect(CRC32C.sum([UInt8]().span) == 0)
      for split in 0...digits.count {
        var sum = CRC32C()
        sum.add(digits.span.extracting(..<split))
        sum.add(digits.span.extracting(split...))
        #expect(sum.value == 0xe306_9283)
      }
    }

    @Test func `a link with a tap hands on what the link is capable of`() throws {
      var options = LinkOptions()
      options.capabilities = [.saveRestore, .disconnectOK]
      let link = try SharedMemEndpoint(.client, queues: .make(), options: options)
      #expect(try TappedLink(link, progress: Progress()).capabilities == [.saveRestore, .disconnectOK])
      link.close()
    }

    /// What it is told may end another link, as a bridge does.
    @Test func `a link with a tap has said why it ended when its dispatcher hears of it`() throws {
      final class Listener: LinkDispatcher {
        let progress: Progress
        let known = Lock<LinkCloseReason?>(nil)
        init(_ progress: Progress) { self.progress = progress }
        func deliverPackets(_ packets: inout PacketBatch) {}
        func linkDidClose(_ reason: LinkCloseReason) {
          let reason = progress.closeReason
          known.withLock { $0 = reason }
        }
      }
      let progress = try Progress()
      let listener = Listener(progress)
      let link = TappedLink(try SharedMemEndpoint(.client, queues: .make()), progress: progress)
      try link.attach(listener)
      link.close()
      try link.wait()
      #expect(listener.known.withLock { $0 } == .requested)
    }

    private func packet(_ sequence: UInt64, _ byteCount: Int, _ check: Check = .crc) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: byteCount)
      var span = bytes.mutableSpan
      TestPacket.writeHeader(&span)
      TestPacket.stamp(&span, sequence: sequence, check: check)
      return bytes
    }

    @Test func `a test packet has the documented bytes`() {
      let bytes = packet(0x0102_0304, 40)
      #expect(bytes[..<20] == [0x45, 0, 0, 40, 0, 0, 0, 0, 64, 253, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2])
      #expect(bytes[20..<28] == [4, 3, 2, 1, 0, 0, 0, 0])
      #expect(bytes[32...] == [0x24, 0x25, 0x26, 0x27, 0x28, 0x29, 0x2a, 0x2b])
      let sum = CRC32C.sum(Array(bytes[32...]).span)
      #expect(bytes[28..<32] == [0, 8, 16, 24].map { UInt8(truncatingIfNeeded: sum >> $0) }[...])
      #expect(packet(7, 40, .none)[28...].allSatisfy { $0 == 0 })
    }

    @Test func `a test packet is valid whole and padded, and every changed byte shows`() {
      for byteCount in [32, 33, 64, 1500] {
        let good = packet(99, byteCount)
        #expect(TestPacket.check(good.span) == .valid(sequence: 99, byteCount: byteCount))
        #expect(TestPacket.check((good + [1, 2, 3]).span) == .valid(sequence: 99, byteCount: byteCount))
        #expect(TestPacket.check(Array(good[..<31]).span) == .foreign)
        for index in 32..<byteCount {
          var bad = good
          bad[index] ^= 0x10
          #expect(TestPacket.check(bad.span) == .corrupt)
        }
      }
      let unsummed = packet(7, 40, .none)
      #expect(TestPacket.check(unsummed.span) == .valid(sequence: 7, byteCount: 40, isVerified: false))
      let long = packet(1, 64)
      #expect(TestPacket.check(Array(long[..<63]).span) == .corrupt)
    }

    @Test func `sequence numbers show losses, doubles and late ones`() {
      var tracker = SequenceTracker()
      for number: UInt64 in [0, 1, 2, 5, 4, 4, 70000, 6, 70000] { tracker.add(number) }
      // 3 and what lies between 6 and 70000 never came; 4 and 6 came late, 4 and 70000 twice.
      #expect(tracker.duplicated == 2)
      #expect(tracker.reordered == 2)
      #expect(tracker.lost == 70001 - 7)
    }

    @Test func `percentiles are exact to a sixty-fourth`() {
      var histogram = LatencyHistogram()
      #expect(histogram.percentile(0.5) == 0)
      for value: UInt64 in 1...10000 { histogram.add(nanoseconds: value * 10) }
      for (share, exact) in [(0.5, 50000.0), (0.99, 99000), (0.999, 99900)] {
        #expect(abs(Double(histogram.percentile(share)) / exact - 1) < 1.0 / 64)
      }
    }

    @Test func `JSON is one line in the order of its keys, with everything quoted that has to be`() {
      var line = JSONLine()
      line["b"] = .integer(.max)
      line["a"] = .text("say \"hi\"\\\n\u{1}é")
      line["c"] = .number(1234.5)
      line["d"] = .flag(false)
      line["e"] = .object(JSONLine())
      line["b"] = .integer(3)
      #expect(line.description == #"{"a":"say \"hi\"\\\n\u0001é","c":1234.500,"d":false,"e":{},"b":3}"#)
    }
  }
#endif
