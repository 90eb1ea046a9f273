import LinkCore
import LinkSystem
import SharedMemLink

/// The three messages of a hand-over, each over a real socket: an offer with any descriptors for a client, an answer or a
/// hello for a server. Anything may come of it but a descriptor that stays open, or a peer without an answer.
enum HandOverFuzz {
  private static let queues = makeQueues()
  private static let event = makeEvent()

  static func run(_ input: inout FuzzInput) throws(FuzzFailure) {
    _ = (queues.descriptors, event.number)
    let before = try lowestFreeDescriptor()
    try exchange(&input)
    let after = try lowestFreeDescriptor()
    #if FUZZING
      // One thread, so the numbers are ours alone.
      try check(before == after, "descriptor \(before) stayed open")
    #else
      _ = (before, after)
    #endif
  }

  private static func exchange(_ input: inout FuzzInput) throws(FuzzFailure) {
    let kind = input.choice(3)
    let isOffer = kind == 0
    let descriptors = chooseDescriptors(&input)
    let bytes = input.bytes(256)
    do throws(SystemError) {
      let sockets = try UnixSocket.pair(.seqpacket)
      if kind == 1 { try DescriptorMessage(bytes: hello).send(on: sockets.first.number) }
      try DescriptorMessage(bytes: bytes, descriptors: descriptors).send(on: sockets.first.number)
      let isAccepted = isOffer ? accept(on: sockets.second.number) : offer(on: sockets.second.number)
      var answer = try DescriptorMessage.receive(on: sockets.first.number, limit: 256)
      if isOffer {
        guard answer?.bytes == hello else { throw SystemError("no hello", 0) }
        answer = try DescriptorMessage.receive(on: sockets.first.number, limit: 256)
      }
      // An empty message is what the end of a connection looks like, but to a client that takes the descriptors with it.
      let isWanted = !bytes.isEmpty || (isOffer && !descriptors.isEmpty) || kind == 1
      let count = answer?.bytes.count ?? 0
      let isWhole = !isWanted || count > 0
      answer?.closeAll()
      if isAccepted, bytes.count < 8 { throw SystemError("accepted a message without a head", 0) }
      if !isWhole { throw SystemError("no answer", 0) }
    } catch { throw FuzzFailure(description: "\(error)") }
  }

  private static let hello: [UInt8] = Array("SWLINK".utf8) + [1, 0, 0, 0, 0, 0, 0, 0, 0, 0]

  private static func accept(on socket: Int32) -> Bool {
    do throws(LinkError) {
      return try HandOver.accept(on: socket, timeout: .zero) { offer, _ throws(LinkError) in
        try LinkOptions.validate(mtu: offer.mtu)
        return true
      }
    } catch { return false }
  }

  private static func offer(on socket: Int32) -> Bool {
    do throws(LinkError) {
      try HandOver.offer(queues, LinkOffer(mtu: 1500), on: socket, timeout: .zero)
      return true
    } catch { return false }
  }

  /// The ten that belong there, or nearly.
  private static func chooseDescriptors(_ input: inout FuzzInput) -> [Int32] {
    var list = queues.descriptors
    switch input.choice(6) {
    case 0: return []
    case 1: return Array(list.prefix(input.choice(11)))
    case 2: return Array(repeating: event.number, count: input.choice(254))
    case 3: list[input.choice(10)] = event.number
    case 4: list.swapAt(input.choice(10), input.choice(10))
    default: break
    }
    return list
  }

  private static func lowestFreeDescriptor() throws(FuzzFailure) -> Int32 {
    do { return try EventCounter.create().number } catch { throw FuzzFailure(description: "\(error)") }
  }

  private static func makeQueues() -> QueuePair {
    do { return try QueuePair.make() } catch { fatalError("\(error)") }
  }

  private static func makeEvent() -> OwnedDescriptor {
    do { return try EventCounter.create() } catch { fatalError("\(error)") }
  }
}
