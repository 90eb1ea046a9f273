/// What packets cost besides time, which is the same on every machine: counted after everything was used once.
struct Costs: Codable, Equatable {
  /// Of one end: what it executes.
  struct End: Codable, Equatable {
    /// Of a write, or a delivery.
    var fencesPerBatch: Double
    /// Of locks, reference counts and other exchanges.
    var lockedInstructionsPerBatch: Double
    var systemCallsPerPacket: Double
    var instructionsPerPacket: Double
  }

  /// The link, what it does, and how.
  var name: String
  var packets: Int
  /// Calls of `malloc` and the like, by both ends together; nil where they cannot be counted.
  var allocationsPerPacket: Double?
  /// Writes to the eventfd for each write of packets: system calls of the data path, as sleeps are.
  var notificationsPerBatch: Double
  var sleepsPerBatch: Double
  /// Nil: this end has no part in it, or nobody can count.
  var sending: End?
  var receiving: End?

  /// Counts of so many rounds. What is allocated and rung is counted in this process, what is executed in a copy of it.
  static func measure(_ costCase: CostCase) throws -> Costs {
    let scene = try costCase.open()
    defer { scene.close() }
    for _ in 0..<scene.rounds / 4 { _ = try scene.round { _ in } }
    let tally = scene.tally()
    let allocations = Steps.allocations
    var packets = 0
    for _ in 0..<scene.rounds { packets += try scene.round { _ in } }
    let allocated = Steps.allocations.flatMap { after in allocations.map { after - $0 } }
    let counted = scene.tally() - tally
    let batches = Double(counted.batches)

    var costs = Costs(
      name: costCase.name, packets: packets, allocationsPerPacket: allocated.map { Double($0) / Double(packets) },
      notificationsPerBatch: Double(counted.notifications) / batches, sleepsPerBatch: Double(counted.sleeps) / batches)
    guard scene.isOneThread else { return costs }
    let rounds = max(1, min(Steps.mostRounds, Steps.packets * scene.rounds / packets))
    guard let steps = try Steps.count({ for _ in 0..<rounds { _ = try scene.round(Steps.mark) } }) else { return costs }
    let part = Double(rounds) / Double(scene.rounds)
    func end(_ steps: Steps) -> End? {
      if steps.instructions == 0 { return nil }
      return End(
        fencesPerBatch: Double(steps.fences) / (batches * part),
        lockedInstructionsPerBatch: Double(steps.locked) / (batches * part),
        systemCallsPerPacket: Double(steps.systemCalls) / (Double(packets) * part),
        instructionsPerPacket: Double(steps.instructions) / (Double(packets) * part))
    }
    costs.sending = end(steps.sending)
    costs.receiving = end(steps.receiving)
    return costs
  }
}

/// Something to count the costs of.
struct CostCase {
  let name: String
  var needsRoot = false
  let open: () throws -> CostScene

  static var all: [CostCase] { sharedMemory + descriptors }
  /// Those that are over soon: large packets take many instructions.
  var isBrief: Bool { !name.contains("/9000/") }
}

/// What a case has opened.
struct CostScene {
  /// What the link's own statistics say.
  struct Tally {
    var batches = 0
    var notifications = 0
    var sleeps = 0

    static func - (after: Tally, before: Tally) -> Tally {
      Tally(
        batches: after.batches - before.batches, notifications: after.notifications - before.notifications,
        sleeps: after.sleeps - before.sleeps)
    }
  }

  let rounds: Int
  /// Whether everything happens on the calling thread.
  var isOneThread = true
  /// Moves some packets and says how many. It tells its argument when it begins with what is to be counted.
  let round: ((Steps.Stretch) -> Void) throws -> Int
  let tally: () -> Tally
  let close: () -> Void
}
