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

/// The sizes of one queue's data, pipes and shared data.
private let goodSizes: [UInt8] = [0, 0, 0x10, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0x10, 0, 0]
private let goodOffer: [UInt8] =
  head + [1, 0, 0xdc, 5, 0, 0, 0, 8, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0] + goodSizes + goodSizes
private let hello: [UInt8] = head + [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]

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
  WrongMessage(bytes: [UInt8](repeating: 65, count: 4000), word: "not of this protocol"),
  WrongMessage(bytes: hello, word: "malformed"),
  WrongMessage(bytes: hello + [UInt8](repeating: 0, count: 4000), word: "malformed"),
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
  // Offloads without virtio-net headers, or without checksums; unknown ones.
  changed(16, [0x30, 0, 0, 0]),
  changed(16, [0x22, 0, 0, 0]),
  changed(16, [0x12, 1, 0, 0]),
  // Offloads that nobody asked for.
  changed(16, [0x12, 0, 0, 0]),
  changed(20, [1, 0, 0, 0], verdict: 4),
  changed(20, [2, 0, 0, 0]),
  WrongMessage(bytes: goodOffer + [UInt8](repeating: 0, count: 100), verdict: 2),
  WrongMessage(bytes: goodOffer, verdict: 3),
  WrongMessage(bytes: goodOffer.dropLast(32), verdict: 2),
  // An answer that accepts, where there was nothing to accept.
  WrongMessage(bytes: head + [1, 0, 0, 0, 0, 0], word: "malformed", verdict: 2),
]

private let wrongHellos: [WrongMessage] = [
  WrongMessage(bytes: Array("HELLO".utf8), word: "not of this protocol", verdict: 2),
  WrongMessage(bytes: head + [2, 0], word: "version 2", verdict: 1),
  WrongMessage(bytes: hello + [0], word: "malformed", verdict: 2),
  WrongMessage(bytes: head + [1, 0, 0, 0, 0, 0], word: "malformed", verdict: 2),
  WrongMessage(bytes: head + [1, 0, 2, 0, 0, 0, 0, 0, 0, 0], word: "malformed", verdict: 2),
  WrongMessage(bytes: head + [1, 0, 1, 0, 0, 0, 0, 0, 0, 0], word: "same role", verdict: 4),
]

/// Takes the queues, and makes nothing of them.
private func accept(on socket: Int32, timeout: Duration = .seconds(20)) throws(LinkError) -> (LinkOffer, [Int]) {
  try HandOver.accept(on: socket, timeout: timeout) { offer, queues throws(LinkError) in
    var sizes: [Int] = []
    for number in queues.descriptors { sizes.append((try? OwnedDescriptor.status(of: number).byteCount) ?? -1) }
    return (offer, sizes)
  }
}

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
    let (received, sizes) = try accept(on: connection.client.number)
    #expect(received == offer)
    #expect(sizes == [1 << 20, 0, 1 << 16, 1 << 16, 4096, 1 << 20, 0, 1 << 16, 1 << 16, 4096])
    #expect(server.value == .some(nil))
  }

  @Test(arguments: [UInt8(0), 1, 2, 3])
  func `has the bytes that the documentation gives`(flags: UInt8) throws {
    let connection = try Connection()
    let offer = LinkOffer(mtu: 1500, isEthernet: flags & 1 != 0, hasVirtioNetHeader: flags & 2 != 0)
    try DescriptorMessage(bytes: hello).send(on: connection.client.number)
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
    try DescriptorMessage(bytes: hello).send(on: connection.client.number)
    try DescriptorMessage(bytes: answer.bytes).send(on: connection.client.number)
    let error = try #require(try offering(on: connection.server.number).value ?? nil)
    #expect(error.description.contains(answer.word), "\(error)")
  }

  @Test(arguments: wrongOffers)
  func `refuses a wrong offer and tells the server`(offer: WrongMessage) throws {
    let connection = try Connection()
    try DescriptorMessage(bytes: offer.bytes).send(on: connection.server.number)
    let refusal = error { () throws(LinkError) in _ = try accept(on: connection.client.number) }
    #expect(try #require(refusal).description.contains(offer.word))
    #expect(try DescriptorMessage.receive(on: connection.server.number, limit: 64)?.bytes == hello)
    let answer = try #require(try DescriptorMessage.receive(on: connection.server.number, limit: 64))
    #expect(answer.bytes == head + [1, 0, offer.verdict, 0, 0, 0])
  }

  @Test(arguments: wrongHellos)
  func `refuses a wrong hello and tells the client`(hello: WrongMessage) throws {
    let connection = try Connection()
    try DescriptorMessage(bytes: hello.bytes).send(on: connection.client.number)
    let refusal = try #require(try offering(on: connection.server.number).value ?? nil)
    #expect(refusal.code == .protocolViolation && refusal.description.contains(hello.word), "\(refusal)")
    let told = error { () throws(LinkError) in _ = try accept(on: connection.client.number) }
    #expect(told?.description.contains("refuses") == true, "\(String(describing: told))")
  }

  @Test func `refuses files of other sizes than the offer says`() throws {
    let connection = try Connection()
    let queues = try QueuePair.make()
    for field in 0..<8 {
      var offer = goodOffer
      offer[24 + 4 * field + 1] ^= 0x40
      try DescriptorMessage(bytes: offer, descriptors: queues.descriptors).send(on: connection.server.number)
      let refusal = error { () throws(LinkError) in _ = try accept(on: connection.client.number) }
      #expect(refusal?.code == .badDescriptor && refusal?.description.contains("the offer says") == true)
    }
  }

  @Test func `is not accepted when the client cannot make its end of the link`() throws {
    let connection = try Connection()
    let server = try offering(on: connection.server.number)
    let refusal = error { () throws(LinkError) in
      try HandOver.accept(on: connection.client.number, timeout: .seconds(20)) { _, _ throws(LinkError) in
        throw LinkError(.system, "no memory")
      }
    }
    #expect(refusal?.operation == "no memory")
    #expect((server.value ?? nil)?.description.contains("could not make its end") == true)
  }

  @Test(arguments: [true, false])
  func `is answered though the link has closed the socket already`(isMade: Bool) throws {
    let numbers = try UnixSocket.pair(.seqpacket).takeBoth()
    let connection = OwnedDescriptor(owning: numbers[0])
    let socket = numbers[1]
    let server = try offering(on: connection.number)
    let refusal = error { () throws(LinkError) in
      try HandOver.accept(on: socket, timeout: .seconds(20)) { offer, queues throws(LinkError) in
        let link = try SharedMemEndpoint(offer, queues: queues, peer: socket, options: LinkOptions())
        link.close()
        try link.wait()
        if !isMade { throw LinkError(.system, "no memory") }
      }
    }
    #expect((refusal == nil) == isMade)
    let told = try #require(server.value)
    #expect(isMade ? told == nil : told?.description.contains("could not make its end") == true, "\(told as Any)")
  }

  @Test(arguments: [false, true]) func `is refused by an end that would frame otherwise`(isEthernet: Bool) throws {
    var offer = LinkOffer(mtu: 1500)
    offer.isEthernet = isEthernet
    var options = LinkOptions()
    options.linkAddress = isEthernet ? nil : LinkAddress(2, 0, 0, 0, 0, 1)
    let queues = try QueuePair.make()
    let refusal = error { () throws(LinkError) in
      _ = try SharedMemEndpoint(offer, queues: queues.duplicate(), peer: -1, options: options)
    }
    #expect(refusal?.code == .invalidArgument)
    #expect(refusal?.description.contains("linkAddress must be \(isEthernet ? "set" : "nil")") == true)
  }

  @Test func `times out on either side when the other stays silent`() throws {
    let connection = try Connection()
    let accepting = error { () throws(LinkError) in
      _ = try accept(on: connection.client.number, timeout: .milliseconds(30))
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
          error { () throws(LinkError) in _ = try accept(on: connection.client.number) }?.code
            == .badDescriptor)
      }
      #expect(try ResourceSnapshot().excess(over: before) == [])
    }
  }
}
