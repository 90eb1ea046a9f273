import CBaselines
import LinkCore
import LinkSystem
import SharedMemLink

/// Who moves packets through queues in shared memory.
enum Contender: String, CaseIterable {
  /// C, as other implementations do it.
  case plain
  /// C with what is known to help.
  case tuned
  case ours
}

/// What an end does when there is nothing to receive.
enum Waiting: String {
  /// Rows of packets, by one thread that looks without end.
  case rows
  /// Single packets and their answers: it looks for as long as a link does by default, or without end in C.
  case spins
  /// The same, but it sleeps at once.
  case sleeps
  /// A link as it is by default, and C that sleeps at once.
  case asUsual = "as-usual"
}

/// One end of a link in shared memory, as both processes of a race describe it to each other.
struct QueueEnd: Equatable {
  var contender: Contender
  var role: SharedMemEndpoint.Role
  /// Packets in a write.
  var batch: Int
  var byteCount: Int
  var waiting = Waiting.rows

  /// The other end.
  var opposite: QueueEnd {
    var end = self
    end.role = role == .client ? .server : .client
    return end
  }

  // MARK: Words for the second process

  var words: [String] {
    [contender.rawValue, role == .client ? "client" : "server", "\(batch)", "\(byteCount)", waiting.rawValue]
  }

  init?(_ words: ArraySlice<String>) {
    let words = Array(words)
    guard words.count == 5, let waiting = Waiting(rawValue: words[4]), let contender = Contender(rawValue: words[0]),
      let batch = Int(words[2]),
      let byteCount = Int(words[3])
    else { return nil }
    self.init(
      words[1] == "client" ? .client : .server, contender, batch: batch, byteCount: byteCount, waiting: waiting)
  }

  init(_ role: SharedMemEndpoint.Role, _ contender: Contender, batch: Int, byteCount: Int, waiting: Waiting = .rows) {
    (self.contender, self.role, self.batch, self.byteCount) = (contender, role, batch, byteCount)
    self.waiting = waiting
  }

  // MARK: Running

  /// The same in C, by its handle.
  func openBaseline(_ queues: consuming QueuePair) throws -> CInt {
    let files = queues.descriptors
    let link = cb_link_open(
      cb_queue_files(files[..<5]), cb_queue_files(files[5...]), role == .client,
      contender == .plain ? cb_plain : cb_tuned, CInt(batch), CInt(byteCount))
    if link < 0 { throw SystemError("queues in C", -link) }
    return link
  }

  /// Puts whoever it is on the queues.
  func open(_ queues: consuming QueuePair) throws -> any RunningEnd {
    if contender == .ours {
      if waiting == .rows { return try LinkEnd(self, queues) }
      return try LatencyEnd(self, queues)
    }
    return try BaselineEnd(self, queues)
  }
}

/// What one end can be told to do, many times. It works on the calling thread.
protocol RunningEnd {
  func send(_ count: Int) throws -> Moved
  func receive(_ count: Int) throws -> Moved
  /// Answers so many packets, or hands them on.
  func echo(_ count: Int) throws
  /// Sends a packet when the one before was answered, or at a distance of so many nanoseconds.
  func ping(_ count: Int, every interval: UInt64?) throws -> Moved
  func close()
}

extension RunningEnd {
  func send(_ count: Int) throws -> Moved { throw BenchFailure("this end sends no rows") }
  func receive(_ count: Int) throws -> Moved { throw BenchFailure("this end receives no rows") }
  func echo(_ count: Int) throws { throw BenchFailure("an end for rows answers no packets") }
  func ping(_ count: Int, every interval: UInt64?) throws -> Moved {
    throw BenchFailure("an end for rows waits for none")
  }
}

private struct LinkEnd: RunningEnd {
  private let underTest: LinkUnderTest
  private let packets: PacketRow
  private let byteCount: Int

  init(_ end: QueueEnd, _ queues: consuming QueuePair) throws {
    var options = LinkOptions(mtu: max(1500, end.byteCount))
    options.drive = .caller
    underTest = try LinkUnderTest(SharedMemEndpoint(end.role, queues: queues, options: options), spins: true)
    packets = PacketRow(try underTest.makeBatch(end.batch, byteCount: end.byteCount))
    byteCount = end.byteCount
  }

  func send(_ count: Int) throws -> Moved { try underTest.send(count, packets.batch, byteCount: byteCount) }
  func receive(_ count: Int) throws -> Moved { try underTest.receive(count) }
  func close() { underTest.close() }
}

private struct BaselineEnd: RunningEnd {
  private let link: CInt
  private let sleeps: Bool

  init(_ end: QueueEnd, _ queues: consuming QueuePair) throws {
    sleeps = end.waiting == .sleeps || end.waiting == .asUsual
    link = try end.openBaseline(queues)
  }

  func send(_ count: Int) -> Moved { Moved(cb_link_send(link, UInt64(count))) }
  func receive(_ count: Int) -> Moved { Moved(cb_link_receive(link, false, UInt64(count))) }
  func echo(_ count: Int) { _ = cb_link_forward(link, link, sleeps, UInt64(count)) }

  func ping(_ count: Int, every interval: UInt64?) throws -> Moved {
    var moved = Moved(packets: 0, bytes: 0)
    moved.roundTrips.reserveCapacity(count)
    func trip(_ began: UInt64) -> UInt64 {
      _ = cb_link_send(link, 1)
      moved.packets += Int(cb_link_receive(link, sleeps, 1).packets)
      let ended = monotonicNanoseconds()
      moved.roundTrips.append(ended - began)
      return ended
    }
    if let interval {
      try Pace.run(count, every: interval) { _ = trip(monotonicNanoseconds()) }
    } else {
      var began = monotonicNanoseconds()
      for _ in 0..<count { began = trip(began) }
    }
    return moved
  }

  func close() { cb_link_close(link) }
}

extension cb_queue_files {
  /// Of five numbers in wire order.
  fileprivate init(_ files: ArraySlice<Int32>) {
    let files = Array(files)
    self.init(data: files[0], event: files[1], tx_pipe: files[2], rx_pipe: files[3], shared: files[4])
  }
}
