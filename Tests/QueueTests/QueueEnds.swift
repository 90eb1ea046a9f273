import LinkCore
import LinkQueue
import LinkTestSupport

/// Both ends of a queue over the same memory: what one sends the other receives, and the ledger compares.
protocol QueueEnds: ~Copyable {
  /// The pipe with packets, the pipe that comes back, and the data area.
  init(_ sizes: QueueSizes)
  mutating func hand(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int
  mutating func take(into batch: inout PacketBatch, available: Int) -> Int
  mutating func hasRoom() -> Bool
  /// Fresh pipes, and fresh ends on them.
  mutating func revive()
  /// What a client does when it is attached.
  mutating func attach()
  var packets: PrivateRegion { get }
  var returns: PrivateRegion { get }
  /// Nothing is under way any more, and all buffers are where they belong.
  mutating func isAtRest() -> Bool
  var isCorrupt: Bool { get }
  var sent: LinkTally { get }
  var received: LinkTally { get }
  var sizes: QueueSizes { get }
  var outgoing: PacketBatch { get set }
  var incoming: PacketBatch { get set }
  var ledger: Ledger { get set }
}

/// Frames as they are, without a link header.
private let framing = LinkFraming(address: nil)

struct QueueSizes {
  var packets = 65536
  var returns = 65536
  var data = 1 << 20
  var buffer = 2048
  var mtu = 65550
  var format = FrameFormat.plain

  /// Small enough to be full, and to wrap, all the time.
  static let small = QueueSizes(packets: 1000, returns: 512, data: 4096, buffer: 64, mtu: 300)

  func makeBatch() -> PacketBatch {
    PacketBatch(capacity: 64, pool: PacketPool(frameByteCount: 65550, capacity: 64))
  }
}

extension QueueEnds where Self: ~Copyable {
  /// Hands up to 64 frames to the sending end. Returns how many it took.
  @discardableResult mutating func send(_ frames: ArraySlice<TestFrame>) -> Int {
    outgoing.removeAll()
    for frame in frames { outgoing.append { frame.write(to: &$0) } }
    var batch = PacketBatch(capacity: 1, pool: outgoing.pool)
    swap(&batch, &outgoing)
    let limits = SendLimits(mtu: sizes.mtu, headerLength: 0)
    let count = batch.withPackets { hand($0, limits) }
    swap(&batch, &outgoing)
    ledger.sent(frames.prefix(count))
    return count
  }

  @discardableResult mutating func send(_ byteCounts: [Int]) -> Int {
    let first = ledger.expected.count
    return send(byteCounts.enumerated().map { TestFrame(number: first + $0, byteCount: $1) }[...])
  }

  /// Lets the receiving end take up to `most` frames. Returns how many came.
  @discardableResult mutating func receive(atMost most: Int = 64) -> Int {
    let available = min(incoming.prepareToReceive(), most)
    var batch = PacketBatch(capacity: 1, pool: incoming.pool)
    swap(&batch, &incoming)
    let count = take(into: &batch, available: available)
    ledger.received(batch)
    swap(&batch, &incoming)
    return count
  }

  /// Fresh pipes on the same memory: everything that is sent arrives.
  mutating func worksAgain() -> Bool {
    revive()
    attach()
    for _ in 0..<100 {
      send([1, 64, 65, 300])
      while receive() > 0 {}
    }
    return ledger.isBalanced && ledger.arrived == 400 && isAtRest()
  }
}

/// Client to server.
struct ForwardQueues: QueueEnds, ~Copyable {
  let sizes: QueueSizes
  let packets: PrivateRegion
  let returns: PrivateRegion
  let data: PrivateRegion
  let shared = PrivateRegion(byteCount: 64)
  var client: TransmitQueue
  var server: ServerReceiveQueue
  var outgoing: PacketBatch
  var incoming: PacketBatch
  var ledger = Ledger()

  init(_ sizes: QueueSizes) {
    self.sizes = sizes
    packets = PrivateRegion(byteCount: sizes.packets)
    returns = PrivateRegion(byteCount: sizes.returns)
    data = PrivateRegion(byteCount: sizes.data)
    packets.becomePipe()
    returns.becomePipe()
    client = TransmitQueue(
      packets: packets.region, completions: returns.region, data: data.region, shared: shared.region,
      bufferByteCount: sizes.buffer, format: sizes.format)
    server = ServerReceiveQueue(
      packets: packets.region, completions: returns.region, data: data.region, format: sizes.format)
    outgoing = sizes.makeBatch()
    incoming = sizes.makeBatch()
  }

  mutating func hand(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int { client.send(frames, limits) }
  mutating func take(into batch: inout PacketBatch, available: Int) -> Int {
    server.receive(into: &batch, available: available, framing)
  }
  mutating func hasRoom() -> Bool { client.hasRoom() }
  mutating func revive() {
    packets.becomePipe()
    returns.becomePipe()
    client = TransmitQueue(
      packets: packets.region, completions: returns.region, data: data.region, shared: shared.region,
      bufferByteCount: sizes.buffer, format: sizes.format)
    server = ServerReceiveQueue(
      packets: packets.region, completions: returns.region, data: data.region, format: sizes.format)
    ledger = Ledger()
  }
  mutating func attach() {}
  mutating func isAtRest() -> Bool {
    client.collectCompletions()
    return client.isDrained() && server.isEmpty && !server.isBlocked
  }
  var isCorrupt: Bool { client.isCorrupt || server.isCorrupt }
  var sent: LinkTally { client.tally }
  var received: LinkTally { server.tally }
}

/// Server to client.
struct BackwardQueues: QueueEnds, ~Copyable {
  let sizes: QueueSizes
  let packets: PrivateRegion
  let returns: PrivateRegion
  let data: PrivateRegion
  let shared = PrivateRegion(byteCount: 64)
  var client: ReceiveQueue
  var server: ServerTransmitQueue
  var outgoing: PacketBatch
  var incoming: PacketBatch
  var ledger = Ledger()

  init(_ sizes: QueueSizes) {
    self.sizes = sizes
    packets = PrivateRegion(byteCount: sizes.packets)
    returns = PrivateRegion(byteCount: sizes.returns)
    data = PrivateRegion(byteCount: sizes.data)
    packets.becomePipe()
    returns.becomePipe()
    client = ReceiveQueue(
      posts: returns.region, packets: packets.region, data: data.region, bufferByteCount: sizes.buffer,
      format: sizes.format)
    server = ServerTransmitQueue(
      posts: returns.region, packets: packets.region, data: data.region, shared: shared.region,
      format: sizes.format)
    outgoing = sizes.makeBatch()
    incoming = sizes.makeBatch()
  }

  mutating func hand(_ frames: Span<PacketBuffer>, _ limits: SendLimits) -> Int { server.send(frames, limits) }
  mutating func take(into batch: inout PacketBatch, available: Int) -> Int {
    client.receive(into: &batch, available: available, framing)
  }
  mutating func hasRoom() -> Bool { server.hasRoom() }
  mutating func revive() {
    packets.becomePipe()
    returns.becomePipe()
    client = ReceiveQueue(
      posts: returns.region, packets: packets.region, data: data.region, bufferByteCount: sizes.buffer,
      format: sizes.format)
    server = ServerTransmitQueue(
      posts: returns.region, packets: packets.region, data: data.region, shared: shared.region,
      format: sizes.format)
    ledger = Ledger()
  }
  mutating func attach() { client.postBuffers() }
  mutating func isAtRest() -> Bool { client.isEmpty && server.isDrained() }
  var isCorrupt: Bool { client.isCorrupt || server.isCorrupt }
  var sent: LinkTally { server.tally }
  var received: LinkTally { client.tally }
}

extension PrivateRegion {
  /// What its creator makes of a file.
  func becomePipe() {
    for offset in stride(from: 0, to: byteCount / 8 * 8, by: 8) { region.store(0, offset) }
    Pipe.initialize(region)
  }
}
