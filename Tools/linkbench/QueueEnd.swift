import CBaselines
import LinkCore
import LinkSystem
import SharedMemLink

/// Who moves packets through queues in shared memory.
enum Contender: String, CaseIterable {
  /// C, as other implementations do it.
  case plain
  /// C with everything that helps.
  case tuned
  case ours
}

/// One end of a link in shared memory, as both processes of a race describe it to each other.
struct QueueEnd: Equatable {
  var contender: Contender
  var role: SharedMemEndpoint.Role
  /// Packets in a write.
  var batch: Int
  var byteCount: Int

  /// The other end.
  var opposite: QueueEnd {
    var end = self
    end.role = role == .client ? .server : .client
    return end
  }

  // MARK: Words for the second process

  var words: [String] { [contender.rawValue, role == .client ? "client" : "server", "\(batch)", "\(byteCount)"] }

  init?(_ words: ArraySlice<String>) {
    let words = Array(words)
    guard words.count == 4, let contender = Contender(rawValue: words[0]), let batch = Int(words[2]),
      let byteCount = Int(words[3])
    else { return nil }
    self.init(words[1] == "client" ? .client : .server, contender, batch: batch, byteCount: byteCount)
  }

  init(_ role: SharedMemEndpoint.Role, _ contender: Contender, batch: Int, byteCount: Int) {
    (self.contender, self.role, self.batch, self.byteCount) = (contender, role, batch, byteCount)
  }

  // MARK: Running

  /// Puts whoever it is on the queues.
  func open(_ queues: consuming QueuePair) throws -> any RunningEnd {
    if contender == .ours { return try LinkEnd(self, queues) }
    return try BaselineEnd(self, queues)
  }
}

/// What one end can be told to do, many times. It works on the calling thread.
protocol RunningEnd {
  func send(_ count: Int) throws -> Moved
  func receive(_ count: Int) throws -> Moved
  func close()
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

  init(_ end: QueueEnd, _ queues: consuming QueuePair) throws {
    let files = queues.descriptors
    link = cb_link_open(
      cb_queue_files(files[..<5]), cb_queue_files(files[5...]), end.role == .client,
      end.contender == .plain ? cb_plain : cb_tuned, CInt(end.batch), CInt(end.byteCount))
    if link < 0 { throw SystemError("queues in C", -link) }
  }

  func send(_ count: Int) -> Moved { Moved(cb_link_send(link, UInt64(count))) }
  func receive(_ count: Int) -> Moved { Moved(cb_link_receive(link, false, UInt64(count))) }
  func close() { cb_link_close(link) }
}

extension cb_queue_files {
  /// Of five numbers in wire order.
  fileprivate init(_ files: ArraySlice<Int32>) {
    let files = Array(files)
    self.init(data: files[0], event: files[1], tx_pipe: files[2], rx_pipe: files[3], shared: files[4])
  }
}
