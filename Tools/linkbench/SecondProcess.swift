import LinkCore
import LinkSystem
import SharedMemLink

/// The process at the other end of the queues: this program once more, on a processor of its own. It is told what to do by
/// two event counters: one carries orders to it, one its answers.
final class SecondProcess {
  enum Job: UInt64 { case send, receive, echo }

  private static let firstDescriptor: CInt = 3
  static let word = "second-process"
  /// Of this process and of the second one; looked up before this one is kept on the first. Nil: there is one only, which both
  /// share.
  static let cpus = (own: ProcessControl.allowedCPU(0), other: ProcessControl.allowedCPU(1))
  /// How long an answer may take. Nanoseconds.
  private static let patience: UInt64 = 120_000_000_000

  private let orders: OwnedDescriptor
  private let answers: OwnedDescriptor
  private var process: ChildProcess?

  /// `queues`: ten descriptors each, which stay the caller's.
  init(_ words: [String], queues: [CInt]) throws {
    orders = try EventCounter.create()
    answers = try EventCounter.create()
    let descriptors = [orders.number, answers.number] + queues
    process = try ChildProcess(
      [ProcessControl.executablePath, Self.word, Self.cpus.other.map { "\($0)" } ?? "any"] + words,
      descriptors: descriptors.enumerated().map { (here: $1, there: Self.firstDescriptor + CInt($0)) })
  }

  /// Has it make ready for `count` packets. It begins with `go`.
  func prepare(_ job: Job, _ count: Int) throws {
    try Self.tell(orders.number, UInt64(count) << 2 | job.rawValue)
    try awaitAnswer()
  }

  func go() throws { try Self.tell(orders.number, 1) }

  private func awaitAnswer() throws {
    guard try !poll(answers.number, .input, nanoseconds: Self.patience).isEmpty else {
      throw BenchFailure("the second process does not answer")
    }
    _ = try EventCounter.take(answers.number)
  }

  func end() {
    guard let process = process.take() else { return }
    process.signal(9)
    _ = process.wait()
  }

  deinit { end() }

  private static func tell(_ counter: CInt, _ value: UInt64) throws {
    let result = EventCounter.add(value, to: counter)
    if result < 0 { throw SystemError("write", CInt(-result)) }
  }

  // MARK: The process itself

  /// Does what it is told until it is killed.
  static func run(_ words: ArraySlice<String>) -> CInt {
    ProcessControl.dieWithParent()
    if let cpu = words.first.flatMap({ Int($0) }) { ProcessControl.pin(to: cpu) }
    do {
      if let end = QueueEnd(words.dropFirst()) {
        try serve(try end.open(try queues(0)))
      } else if let bridge = QueueBridge(words.dropFirst()) {
        try serve(try bridge.open(try queues(0), try queues(1)))
      }
      Console.write("linkbench: \(word) is for processes that linkbench starts itself", to: .error)
      return 2
    } catch {
      Console.write("linkbench: second process: \(error)", to: .error)
      return 1
    }
  }

  private static func queues(_ index: CInt) throws -> QueuePair {
    let first = firstDescriptor + 2 + 10 * index
    return QueuePair(
      transmit: try QueueFiles(takingOwnershipOf: Array(first..<first + 5)),
      receive: try QueueFiles(takingOwnershipOf: Array(first + 5..<first + 10)))
  }

  private static func serve(_ end: any RunningEnd) throws -> Never {
    let (orders, answers) = (firstDescriptor, firstDescriptor + 1)
    while true {
      _ = try poll(orders, .input, nanoseconds: nil)
      guard let order = try EventCounter.take(orders), let job = Job(rawValue: order & 3) else { continue }
      try tell(answers, 1)
      // It is a matter of microseconds until it has to begin, and nothing must delay it.
      while try EventCounter.take(orders) == nil {}
      switch job {
      case .send: _ = try end.send(Int(order >> 2))
      case .receive: _ = try end.receive(Int(order >> 2))
      case .echo: try end.echo(Int(order >> 2))
      }
    }
  }
}
