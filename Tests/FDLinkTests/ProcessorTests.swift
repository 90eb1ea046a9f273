import FDLink
import LinkCore
import LinkSystem
import LinkTestSupport
import Testing

/// Links whose packets are delivered by further threads, chosen by flow.
struct ProcessorTests {
  @Test(arguments: [(1, 2), (1, 5), (3, 2)], [true, false])
  func `every flow stays in order under load, and everything is accounted for`(
    _ counts: (descriptors: Int, processors: Int), _ isConcurrent: Bool
  ) throws {
    let (sender, receiver) = try linksWithProcessors(counts.descriptors, counts.processors)
    let order = FlowOrder(isConcurrent: isConcurrent)
    try receiver.attach(order)
    let room = try Collector()
    try sender.attach(room)
    try Flows.send(1000, over: sender, room)
    let sent = UInt64(1000 * Flows.count)
    #expect(try eventually { receiver.statistics.received.offered == sent })
    sender.close()
    try receiver.wait()
    try sender.wait()
    let received = receiver.statistics.received
    #expect(received.packets + received[.noRoom] == sent && received.dropped == received[.noRoom])
    #expect(order.count == Int(received.packets) && received.bytes == 32 * received.packets)
    #expect(order.disorder == 0 && order.late == 0 && order.closings == 1)
    #expect(isConcurrent || order.mostAtOnce == 1)
    #expect(order.threadsOfFlow.values.allSatisfy { $0.count == 1 })
  }

  @Test func `the largest queues of the most processors do not make a pool that no machine has`() throws {
    let (sender, receiver) = try linksWithProcessors(1, 64, queueCapacity: 65536)
    sender.close()
    receiver.close()
    try sender.wait()
    try receiver.wait()
  }

  @Test func `two flows are delivered by two threads at once, and each by its own`() throws {
    let (sender, receiver) = try linksWithProcessors(1, 4)
    let order = FlowOrder(isConcurrent: true, waitsForCompany: true)
    try receiver.attach(order)
    let room = try Collector()
    try sender.attach(room)
    try Flows.send(10, over: sender, room)
    #expect(try eventually { order.count == 10 * Flows.count })
    #expect(order.mostAtOnce > 1 && order.threadCount > 1 && order.disorder == 0)
    #expect(order.threadsOfFlow.count == Flows.count && order.threadsOfFlow.values.allSatisfy { $0.count == 1 })
    sender.close()
    receiver.close()
    try receiver.wait()
  }

  @Test(arguments: [1, 2], [true, false])
  func `a pool smaller than the queues makes the link wait, and loses nothing`(
    _ descriptorCount: Int, _ isConcurrent: Bool
  ) throws {
    var options = LinkOptions()
    options.pool = PacketPool(frameByteCount: 1500, capacity: 5)
    let (sender, receiver) = try linksWithProcessors(descriptorCount, 3, options)
    let order = FlowOrder(isConcurrent: isConcurrent)
    try receiver.attach(order)
    let room = try Collector()
    try sender.attach(room)
    try Flows.send(300, over: sender, room)
    #expect(try eventually { order.count == 300 * Flows.count } && order.disorder == 0)
    #expect(receiver.statistics.received.dropped == 0)
    sender.close()
    receiver.close()
    try receiver.wait()
  }

  @Test func `a stuck processor drops and counts while another goes on`() throws {
    let (sender, receiver) = try linksWithProcessors(1, 2, queueCapacity: 8)
    let (stuck, free) = try flowsOfTwoProcessors(sender, receiver)
    let held = HeldFlow(stuck)
    try receiver.attach(held)
    let before = receiver.statistics.received.packets
    try Flows.send([(stuck, 0)], over: sender)
    #expect(try eventually { held.isHolding })
    try Flows.send((1...20).map { (stuck, $0) }, over: sender)
    #expect(try eventually { receiver.statistics.received[.noRoom] == 12 })
    for number in 0..<50 {
      try Flows.send([(free, number)], over: sender)
      #expect(try eventually { held.order.count == number + 1 })
    }
    let description = receiver.describe()
    #expect(description.descriptors[0].processorQueues.sorted() == [0, 8])
    #expect("\(description)".contains("processors with ["))
    held.letGo()
    #expect(try eventually { held.order.count == 50 + 9 } && held.order.disorder == 0)
    let received = receiver.statistics.received
    #expect(received.packets == before + 59 && received.offered == before + 71 && received.dropped == 12)
    sender.close()
    receiver.close()
    try receiver.wait()
    #expect(held.order.count == 59)
  }

  @Test func `numbers out of range and links without threads are refused`() throws {
    func code(_ change: (inout LinkOptions, inout FDOptions) -> Void) -> LinkError.Code? {
      var (options, fdOptions) = (LinkOptions(), FDOptions())
      change(&options, &fdOptions)
      do throws(LinkError) {
        let (_, peer) = try FDEndpoint.socketPair(options: options, fdOptions: fdOptions)
        _ = OwnedDescriptor(owning: peer)
      } catch { return error.code }
      return nil
    }
    for count in [0, 65, -1] { #expect(code { $1.processorsPerChannel = count } == .invalidArgument) }
    for count in [0, 65537] { #expect(code { $1.processorQueueCapacity = count } == .invalidArgument) }
    let driven = code {
      $0.drive = .caller
      $1.processorsPerChannel = 2
    }
    #expect(driven == .invalidArgument)
  }

  @Test func `what is injected is delivered by the thread that injects`() throws {
    let ends = try UnixSocket.pair(.seqpacket).takeBoth()
    let peer = RawPeer(socket: OwnedDescriptor(owning: ends[1]))
    var fdOptions = FDOptions()
    fdOptions.processorsPerChannel = 4
    let link = try InjectableEndpoint(takingOwnershipOf: ends[0], fdOptions: fdOptions)
    let order = FlowOrder(isConcurrent: true)
    try link.attach(order)
    var packets = InjectionTests.batch((0..<Flows.count).map { Flows.frame($0, 0) })
    try link.inject(&packets)
    #expect(order.count == Flows.count && order.threadCount == 1 && packets.count == Flows.count)
    link.close()
    try link.wait()
    withExtendedLifetime(peer) {}
  }
}
