import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Synchronization
import Testing

/// UDP packets of several flows, each packet with its number.
enum Flows {
  static let count = 16
  static let pool = PacketPool(frameByteCount: 1514, capacity: 4096)

  /// From 10.9.0.2 port `1000 + flow` to 10.9.0.1 port 9; the number behind the UDP header.
  static func frame(_ flow: Int, _ number: Int, ethernet: Bool = false) -> [UInt8] {
    var packet: [UInt8] = [0x45, 0, 0, 32, 0, 0, 0, 0, 64, 17, 0, 0, 10, 9, 0, 2, 10, 9, 0, 1]
    let port = 1000 + flow
    packet += [UInt8(port >> 8), UInt8(port & 255), 0, 9, 0, 12, 0, 0]
    packet += (0..<4).map { UInt8(truncatingIfNeeded: number >> (8 * $0)) }
    let sum = stride(from: 0, to: 20, by: 2).reduce(0) { $0 + (Int(packet[$1]) << 8 | Int(packet[$1 + 1])) }
    let checksum = ~((sum & 0xffff) + (sum >> 16))
    packet[10] = UInt8(truncatingIfNeeded: checksum >> 8)
    packet[11] = UInt8(truncatingIfNeeded: checksum)
    let header: [UInt8] = [2, 0, 0, 0, 0, 1, 2, 0, 0, 0, 0, 2, 8, 0]
    return ethernet ? header + packet : packet
  }

  /// Sends so many rounds, a packet of each flow in each, and waits for room where there is none.
  static func send(_ rounds: Int, startingAt start: Int = 0, over link: FDEndpoint, _ room: Collector) throws {
    for round in start..<start + rounds {
      var batch = PacketBatch(capacity: count, pool: pool)
      for flow in 0..<count {
        let frame = frame(flow, round, ethernet: link.maxHeaderLength > 0)
        batch.append { packet in
          packet.append(frame.count) { span in for index in frame.indices { span[index] = frame[index] } }
          packet.markLinkHeader(link.maxHeaderLength)
        }
      }
      var from = 0
      while from < count {
        let calls = room.now.roomCalls
        do throws(LinkError) {
          let accepted = try link.writeBatch(batch, from: from)
          from += accepted
          if from == count { break }
          if accepted > 0 { continue }
        } catch { guard error.code == .wouldBlock else { throw error } }
        try room.need { $0.roomCalls > calls }
      }
    }
  }
}

/// A dispatcher that checks the numbers of each flow as they come, and how many calls there are at once.
final class FlowOrder: LinkDispatcher {
  private struct State {
    var last: [Int: Int] = [:]
    var count = 0
    var disorder = 0
    var calls = 0
    var now = 0
    var most = 0
    var threads: Set<UInt> = []
    var threadsOfFlow: [Int: Set<UInt>] = [:]
    var closings = 0
    /// Packets after the end: there must be none.
    var late = 0
    var onDelivery: (@Sendable () -> Void)?
  }
  private let state = Lock(State())
  let takesConcurrentCalls: Bool
  private let waitsForCompany: Bool

  /// `waitsForCompany`: no call returns before there are two at once.
  init(isConcurrent: Bool, waitsForCompany: Bool = false) {
    takesConcurrentCalls = isConcurrent
    self.waitsForCompany = waitsForCompany
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    let action = state.withLock { state in
      state.calls += 1
      state.threads.insert(currentThreadIdentity())
      state.now += 1
      state.most = max(state.most, state.now)
      return state.onDelivery
    }
    action?()
    if waitsForCompany { do { _ = try eventually { mostAtOnce > 1 } } catch { fatalError("\(error)") } }
    state.withLock { state in
      packets.forEach { bytes in
        guard bytes.count >= 32, bytes[0] == 0x45, bytes[9] == 17, bytes[23] == 9 else { return }
        let flow = Int(bytes[20]) << 8 | Int(bytes[21])
        let number = (0..<4).reduce(0) { $0 | Int(bytes[28 + $1]) << (8 * $1) }
        if number <= state.last[flow, default: -1] { state.disorder += 1 }
        state.last[flow] = number
        state.threadsOfFlow[flow, default: []].insert(currentThreadIdentity())
        if state.closings > 0 { state.late += 1 }
        state.count += 1
      }
      state.now -= 1
    }
  }

  func linkDidClose(_ reason: LinkCloseReason) { state.withLock { $0.closings += 1 } }

  var count: Int { state.withLock { $0.count } }
  var disorder: Int { state.withLock { $0.disorder } }
  var calls: Int { state.withLock { $0.calls } }
  var mostAtOnce: Int { state.withLock { $0.most } }
  var threadCount: Int { state.withLock { $0.threads.count } }
  var closings: Int { state.withLock { $0.closings } }
  var late: Int { state.withLock { $0.late } }
  /// The threads that delivered packets of each flow, by its port.
  var threadsOfFlow: [Int: Set<UInt>] { state.withLock { $0.threadsOfFlow.mapValues(\.ownCopy) } }
  var onDelivery: (@Sendable () -> Void)? {
    get { state.withLock { $0.onDelivery } }
    set { state.withLock { $0.onDelivery = newValue } }
  }
}

extension RawPeer {
  /// For arrays, which hold no values that cannot be copied.
  final class Box: Sendable {
    private let peer: RawPeer
    init(_ peer: consuming RawPeer) { self.peer = peer }
    func send(_ message: [UInt8]) -> Int { peer.send(message) }
    func receive() -> [UInt8]? { peer.receive() }
    func deliver(_ message: [UInt8]) throws { try peer.deliver(message) }
    func waitToReceive() throws -> [UInt8]? { try peer.waitToReceive() }
    func shutDown() { UnixSocket.shutDown(peer.socket.number) }
  }
}

/// Has a callback of the receiver close or detach it, and expects that nothing is lost, late, or told twice. Ends both links.
func expectEndInsideCallback(
  _ sender: FDEndpoint, _ receiver: FDEndpoint, isClosing: Bool, isConcurrent: Bool
) throws {
  let order = FlowOrder(isConcurrent: isConcurrent)
  let isDetached = Monitor(false)
  order.onDelivery = { [weak receiver] in
    if isClosing { return receiver?.close() ?? () }
    // Once: a second call at the same time could come late, and detach the next dispatcher.
    let isFirst = isDetached.withLock { isDetached in
      defer { isDetached = true }
      return !isDetached
    }
    if isFirst { receiver?.detach() }
  }
  try sender.attach(Collector())
  try receiver.attach(order)
  _ = try sender.write(frames: (0..<Flows.count).map { Flows.frame($0, 0) }, pool: Flows.pool)
  #expect(try eventually { order.calls > 0 })
  if !isClosing {
    #expect(try eventually { !receiver.isAttached })
    let last = FlowOrder(isConcurrent: true)
    try receiver.attach(last)
    #expect(try eventually { last.count + order.count == Flows.count })
    #expect(order.closings == 0)
    receiver.close()
  }
  try receiver.wait()
  #expect(isConcurrent || order.calls == 1)
  #expect(order.closings == (isClosing ? 1 : 0) && order.late == 0)
  sender.close()
  try sender.wait()
}
