import LinkCore
import LinkSystem
import LinkTestSupport
import SharedMemLink

/// One end of a link that sends equal packets, and who drives it.
final class RoomEnd: Sendable {
  let link: SharedMemEndpoint
  let drive: LinkOptions.Drive
  let inbox: Inbox
  private let batch: Lock<PacketBatch>
  private let driver: Lock<SystemThread?> = Lock(nil)
  static let batchCount = 32

  init(_ link: SharedMemEndpoint, _ drive: LinkOptions.Drive, byteCount: Int = 700, inbox: Inbox = Inbox()) {
    self.link = link
    self.drive = drive
    self.inbox = inbox
    var batch = PacketBatch(
      capacity: Self.batchCount, pool: PacketPool(frameByteCount: 1500, capacity: Self.batchCount))
    for _ in 0..<Self.batchCount { batch.append { packet in packet.append(byteCount) { $0[0] = 0x45 } } }
    self.batch = Lock(batch)
  }

  /// Attaches; a link without a thread gets one that steps it until it is detached or closed, unless the test steps it.
  func attach(byHand: Bool = false) throws {
    try link.attach(inbox)
    guard drive == .caller, !byHand else { return }
    try driver.withLock { $0 = try SystemThread(name: "driver") { [link] in Self.run(link) } }
  }

  /// Of an end that the test steps.
  func prepareToWait() { let _: LinkWaitPlan? = link.prepareToWait() }

  func detach() {
    link.detach()
    joinDriver()
  }

  func close() throws {
    link.close()
    // Its driver may have ended with the last detach.
    if drive == .caller { _ = link.step() }
    joinDriver()
    try link.wait()
  }

  private func joinDriver() {
    let thread = driver.withLock { $0.take() }
    if let thread { thread.join() }
  }

  private static func run(_ link: SharedMemEndpoint) {
    while true {
      switch link.step() {
      case .delivered: continue
      case .closed, .notAttached: return
      case .idle, .starved:
        guard let plan = link.prepareToWait() else { continue }
        var entries = InlineArray<4, PollEntry>(repeating: PollEntry(-1, []))
        for (index, entry) in plan.entries.enumerated() {
          entries[index] = PollEntry(entry.descriptor, PollEvents(rawValue: entry.events))
        }
        do { try poll(&entries, nanoseconds: plan.timeout.map { UInt64($0 / .nanoseconds(1)) }) } catch { return }
      }
    }
  }

  /// Writes the first `count` packets; returns how many were taken.
  @discardableResult func write(_ count: Int = batchCount) throws(LinkError) -> Int {
    let result: Result<Int, LinkError> = batch.withLock { batch in
      batch.withPackets { packets in
        do throws(LinkError) { return .success(try link.writePackets(packets.extracting(first: count))) } catch {
          return error.code == .wouldBlock ? .success(0) : .failure(error)
        }
      }
    }
    return try result.get()
  }

  /// Writes until nothing fits; returns how many packets were taken.
  func fill() throws -> Int {
    var taken = 0
    while true {
      let count = try write()
      taken += count
      if count < Self.batchCount { return taken }
    }
  }
}

/// How a test of room is set up: which end sends, and how both are driven.
struct RoomSetup: Sendable, CustomStringConvertible {
  var role: SharedMemEndpoint.Role
  var drive: LinkOptions.Drive
  /// Nil: as the sender.
  var receiverDrive: LinkOptions.Drive?

  static let all = [SharedMemEndpoint.Role.client, .server].flatMap { role in
    [LinkOptions.Drive.thread, .caller].map { RoomSetup(role: role, drive: $0) }
  }

  var description: String { "\(role) sends, driven by \(drive)" }
  var otherRole: SharedMemEndpoint.Role { role == .client ? .server : .client }
  /// With a receiver that the test steps.
  static let byHand = [SharedMemEndpoint.Role.client, .server].map {
    RoomSetup(role: $0, drive: .thread, receiverDrive: .caller)
  }

  /// Both ends, the sender first.
  func pair(
    _ geometry: QueueGeometry = QueueGeometry(), byteCount: Int = 700, sender: Inbox = Inbox(),
    receiver: Inbox = Inbox(), senderPool: PacketPool? = nil
  ) throws -> (RoomEnd, RoomEnd) {
    let queues = try QueuePair.make(geometry)
    let size = geometry.bufferByteCount
    var options = (LinkOptions(), LinkOptions())
    options.0.drive = drive
    options.0.pool = senderPool
    options.0.batchCapacity = senderPool?.capacity ?? options.0.batchCapacity
    options.1.drive = receiverDrive ?? drive
    let a = try SharedMemEndpoint(role, queues: try queues.duplicate(), bufferByteCount: size, options: options.0)
    let b = try SharedMemEndpoint(otherRole, queues: queues, bufferByteCount: size, options: options.1)
    return (
      RoomEnd(a, drive, byteCount: byteCount, inbox: sender),
      RoomEnd(b, receiverDrive ?? drive, byteCount: byteCount, inbox: receiver)
    )
  }
}
