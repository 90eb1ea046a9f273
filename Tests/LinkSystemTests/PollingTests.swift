import LinkSystem
import LinkTestSupport
import Testing

@Suite struct PollingTests {
  @Test func `a wait ends with its time and not before`() throws {
    let pair = try UnixSocket.pair(.seqpacket)
    let began = monotonicNanoseconds()
    let nothing = try poll(pair.first.number, .input, nanoseconds: 5_000_000)
    #expect(nothing.isEmpty)
    #expect(monotonicNanoseconds() - began >= 5_000_000)
  }

  @Test func `each of four entries reports for itself and a negative one never`() throws {
    let pair = try UnixSocket.pair(.seqpacket)
    let other = try UnixSocket.pair(.seqpacket)
    try DescriptorMessage(bytes: [1]).send(on: pair.first.number)
    var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, .input))
    entries[0] = PollEntry(other.first.number, .input)
    entries[2] = PollEntry(pair.second.number, [.input, .output])
    let isReady = try poll(&entries, nanoseconds: nil)
    #expect(isReady)
    let reported = entries.indices.map { entries[$0].reported }
    #expect(reported == [[], [], [.input, .output], []])
    entries[2] = PollEntry(-1, [])
    let again = try poll(&entries, nanoseconds: 0)
    #expect(!again)
  }

  @Test func `the end of a peer is reported though nobody asked`() throws {
    var pair = try UnixSocket.pair(.seqpacket)
    pair.second = OwnedDescriptor(owning: -1)
    let reported = try poll(pair.first.number, [], nanoseconds: nil)
    #expect(reported.contains(.hangUp))
    let asked = try poll(pair.first.number, [.input, .peerShutdown], nanoseconds: nil)
    #expect(asked.isSuperset(of: [.input, .peerShutdown, .hangUp]))
    #expect(!asked.isDisjoint(with: .gone))
  }

  @Test func `a number that is not open is reported as invalid`() throws {
    let reported = try poll(CInt.max, .input, nanoseconds: nil)
    #expect(reported == .invalid)
  }

  @Test func `a wait of ages is possible`() throws {
    let event = try EventCounter.create()
    #expect(EventCounter.add(1, to: event.number) == 0)
    let reported = try poll(event.number, .input, nanoseconds: .max)
    #expect(reported == .input)
  }
}
