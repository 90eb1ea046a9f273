import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Two links joined by socket pairs, the second one with processors.
func linksWithProcessors(
  _ descriptorCount: Int, _ processorCount: Int, _ options: LinkOptions = LinkOptions(), queueCapacity: Int = 256
) throws -> (FDEndpoint, FDEndpoint) {
  let pairs = try (0..<descriptorCount).map { _ in try UnixSocket.pair(.seqpacket).takeBoth() }
  var fdOptions = FDOptions()
  fdOptions.processorsPerChannel = processorCount
  fdOptions.processorQueueCapacity = queueCapacity
  return (
    try FDEndpoint(takingOwnershipOf: pairs.map { $0[0] }),
    try FDEndpoint(takingOwnershipOf: pairs.map { $0[1] }, options: options, fdOptions: fdOptions)
  )
}

/// Two flows that different threads deliver. The receiver is detached afterwards.
func flowsOfTwoProcessors(_ sender: FDEndpoint, _ receiver: FDEndpoint) throws -> (Int, Int) {
  let order = FlowOrder(isConcurrent: true)
  try receiver.attach(order)
  // One at a time, so that no queue is full.
  for flow in 0..<Flows.count {
    try Flows.send([(flow, 0)], over: sender)
    try #require(try eventually { order.count == flow + 1 })
  }
  receiver.detach()
  let threads = order.threadsOfFlow
  let other = try #require((1..<Flows.count).first { threads[1000 + $0] != threads[1000] })
  return (0, other)
}

extension Flows {
  /// Sends packets by flow and number, over a link that it attaches if nobody has.
  static func send(_ packets: [(flow: Int, number: Int)], over link: FDEndpoint) throws {
    if !link.isAttached { try link.attach(Collector()) }
    let frames = packets.map { frame($0.flow, $0.number) }
    guard try link.write(frames: frames, pool: pool) == frames.count else {
      throw DidNotHappen(description: "\(frames.count) frames were not taken")
    }
  }
}

/// A dispatcher whose first delivery with a packet of one flow does not return until it is told to.
final class HeldFlow: LinkDispatcher {
  let order = FlowOrder(isConcurrent: true)
  private let port: Int
  private let isReached = Latch()
  private let isLetGo = Latch()

  init(_ flow: Int) { port = 1000 + flow }

  let takesConcurrentCalls = true
  var isHolding: Bool { isReached.isOpen && !isLetGo.isOpen }
  func letGo() { isLetGo.open() }

  func deliverPackets(_ packets: inout PacketBatch) {
    var isHeld = false
    packets.forEach { if Int($0[20]) << 8 | Int($0[21]) == port { isHeld = true } }
    if isHeld {
      isReached.open()
      _ = isLetGo.wait(deadline: deadline())
    }
    order.deliverPackets(&packets)
  }

  func linkDidClose(_ reason: LinkCloseReason) { order.linkDidClose(reason) }
}
