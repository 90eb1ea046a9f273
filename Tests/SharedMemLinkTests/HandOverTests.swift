import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink
import Testing

/// A connected pair of seqpacket sockets, closed at the end.
private struct Connection: ~Copyable {
  let server: OwnedDescriptor
  let client: OwnedDescriptor
  init() throws {
    let numbers = try UnixSocket.pair(.seqpacket).takeBoth()
    server = OwnedDescriptor(owning: numbers[0])
    client = OwnedDescriptor(owning: numbers[1])
  }
}

private func error(_ body: () throws(LinkError) -> Void) -> LinkError? {
  do throws(LinkError) {
    try body()
    return nil
  } catch { return error }
}

private let goodOffer: [UInt8] = Array("SWLINK".utf8) + [1, 0, 0xdc, 5, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]

/// A message that is refused: a word of the error, or the verdict that the other side gets.
struct WrongMessage: Sendable {
  var bytes: [UInt8]
  var word = ""
  var verdict: UInt8 = 0
}

private let head: [UInt8] = Array("SWLINK".utf8)

private let wrongAnswers: [WrongMessage] = [
  WrongMessage(bytes: [], word: "left before"),
  WrongMessage(bytes: Array("HELLO".utf8), word: "not of this protocol"),
  WrongMessage(bytes: head + [2, 0, 0, 0, 0, 0], word: "version 2"),
  WrongMessage(bytes: head + [1, 0, 0], word: "malformed"),
  WrongMessage(bytes: head + [1, 0, 9, 0, 0, 0], word: "malformed"),
  WrongMessage(bytes: head + [1, 0, 3, 0, 0, 0], word: "descriptors"),
  WrongMessage(bytes: [UInt8](repeating: 65, count: 4000), word: "malformed"),
]

/// The good offer with `bytes` at `offset`.
private func changed(_ offset: Int, _ bytes: [UInt8], verdict: UInt8 = 2) -> WrongMessage {
  var offer = goodOffer
  offer.replaceSubrange(offset..<offset + bytes.count, with: bytes)
  return WrongMessage(bytes: offer, verdict: verdict)
}

private let wrongOffers: [WrongMessage] = [
  WrongMessage(bytes: head + [2, 0], verdict: 1),
  changed(0, Array("NOTIFY".utf8)),
  WrongMessage(bytes: goodOffer.dropLast(), verdict: 2),
  WrongMessage(bytes: goodOffer + [0], verdict: 2),
  changed(8, [0, 0, 0, 0]),
  changed(8, [0xff, 0xff, 0xff, 0xff]),
  changed(12, [1, 0, 0, 0]),
  changed(16, [4, 0, 0, 0]),
  WrongMessage(bytes: goodOffer + [UInt8](repeating: 0, count: 100), verdict: 2),
  WrongMessage(bytes: goodOffer, verdict: 3),
]

/// Runs `body` on a thread of its own; `value` waits for what it returned.
private final class Background<Value: Sendable>: Sendable {
  private let outcome = Monitor(Value?.none)
  init(_ body: @escaping @Sendable () -> Value) throws {
    _ = try SystemThread(name: "background") { [outcome] in
      let value = body()
      outcome.withLock { $0 = value }
    }
  }
  var value: Value? { outcome.wait(deadline: deadline()) { $0 } }
}

/// A server that makes queues and offers them; its error, once the hand-over is over.
private func offering(
  _ offer: LinkOffer = LinkOffer(mtu: 1500), on socket: Int32, timeout: Duration = .seconds(20)
) throws -> Background<LinkError?> {
  try Background {
    error { () throws(LinkError) in try HandOver.offer(try QueuePair.make(), offer, on: socket, timeout: timeout) }
  }
}

@Suite struct `A hand-over` {
  @Test(arguments: [true, false], [true, false])
  func `gives the client the server's queues and facts`(isEthernet: Bool, hasVirtioNetHeader: Bool) throws {
    let connection = try Connection()
    let offer = LinkOffer(
      mtu: 9000, bufferByteCount: 4096, isEthernet: isEthernet, hasVirtioNetHeader: hasVirtioNetHeader)
    let server = try offering(offer, on: connection.server.number)
    let accepted = try HandOver.accept(on: connection.client.number, timeout: .seconds(20))
    #expect(accepted.offer == offer)
    let queues = accepted.takeQueues()
    let sizes = try queues.descriptors.map { try OwnedDescriptor.status(of: $0).byteCount }
    #expect(sizes == [1 << 20, 0, 1 << 16, 1 << 16, 4096, 1 << 20, 0, 1 << 16, 1 << 16, 4096])
    #expect(server.value == .some(nil))
    withExtendedLifetime(queues) {}
  }

  @Test(arguments: [UInt8(0), 1, 2, 3])
  func `has the bytes that the documentation gives`(flags: UInt8) throws {
    let connection = try Connection()
    let offer = LinkOffer(mtu: 1500, isEthernet: flags & 1 != 0, hasVirtioNetHeader: flags & 2 != 0)
    let server = try offering(offer, on: connection.server.number)
    _ = try poll(connection.client.number, .input, nanoseconds: 20_000_000_000)
    var message = try #require(try DescriptorMessage.receive(on: connection.client.number, limit: 100))
    #expect(message.bytes == changed(16, [flags, 0, 0, 0]).bytes)
    #expect(message.descriptors.count == 10)
    message.closeAll()
    let answer: [UInt8] = Array("SWLINK".utf8) + [1, 0, 0, 0, 0, 0]
    try DescriptorMessage(bytes: answer).send(on: connection.client.number)
    #expect(server.value == .some(nil))
  }

  @Test(arguments: wrongAnswers)
  func `ends with an error for a wrong answer`(answer: WrongMessage) throws {
    let connection = try Connection()
    try DescriptorMessage(bytes: answer.bytes).send(on: connection.client.number)
    let error = try #require(try offering(on: connection.server.number).value ?? nil)
    #expect(error.description.contains(answer.word), "\(error)")
  }

  @Test(arguments: wrongOffers)
  func `refuses a wrong offer and tells the server`(offer: WrongMessage) throws {
    let connection = try Connection()
    try DescriptorMessage(bytes: offer.bytes).send(on: connection.server.number)
    #expect(
      error { () throws(LinkError) in _ = try HandOver.accept(on: connection.client.number, timeout: .seconds(20)) }
        != nil)
    let answer = try #require(try DescriptorMessage.receive(on: connection.server.number, limit: 64))
    #expect(answer.bytes == Array("SWLINK".utf8) + [1, 0, offer.verdict, 0, 0, 0])
  }

  @Test func `times out on either side when the other stays silent`() throws {
    let connection = try Connection()
    let accepting = error { () throws(LinkError) in
      _ = try HandOver.accept(on: connection.client.number, timeout: .milliseconds(30))
    }
    #expect(accepting?.code == .timedOut)
    let offering = try offering(on: connection.server.number, timeout: .milliseconds(30)).value ?? nil
    #expect(offering?.code == .timedOut)
  }

  @Test func `closes every descriptor of an offer that it refuses`() async {
    await #expect(processExitsWith: .success) {
      let before = try ResourceSnapshot.baseline()
      for count in [0, 1, 5, 9, 10, 11, 253] {
        let connection = try Connection()
        let event = try EventCounter.create()
        try DescriptorMessage(bytes: goodOffer, descriptors: Array(repeating: event.number, count: count))
          .send(on: connection.server.number)
        #expect(
          error { () throws(LinkError) in _ = try HandOver.accept(on: connection.client.number) }?.code
            == .badDescriptor)
      }
      #expect(try ResourceSnapshot().excess(over: before) == [])
    }
  }
}

@Suite struct `A listener` {
  @Test func `hands out connections and removes its file`() throws {
    let path = "/tmp/link-listener-\(UInt32.random(in: 0...UInt32.max))"
    do {
      let listener = try HandOverListener(path: path)
      #expect(try listener.accept(timeout: .zero) == nil)
      let client = OwnedDescriptor(owning: try HandOver.connect(path: path))
      let server = OwnedDescriptor(owning: try #require(try listener.accept(timeout: .seconds(20))))
      let handedOver = try offering(on: server.number)
      #expect(try HandOver.accept(on: client.number).offer.mtu == 1500)
      #expect(handedOver.value == .some(nil))
    }
    #expect(error { () throws(LinkError) in _ = try HandOver.connect(path: path) }?.systemError == 2)
  }
}
