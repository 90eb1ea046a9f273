/// A race between two ways of doing the same work. Every stage of the tool adds cases, and nothing else.
struct BenchCase {
  /// Its parts from the general to the special, such as `receive/packet/ring-v2/64`.
  let name: String
  var needsRoot = false
  /// Whether gVisor's own endpoints take part, in a program that is built apart.
  var needsGVisor = false
  /// Whether the ratio is that of time by the clock, as where several threads work on the same packets.
  var isByClock = false
  /// How many times as many packets a round has as others.
  var weight = 1.0
  /// Whether a round of the baseline begins with new processes: then it takes its time however few packets it has, and there
  /// is nothing to warm up.
  var startsProcesses = false
  /// Opens what both sides need. Whatever it opened is closed by the sides.
  let open: (Feeder) throws -> (baseline: Side, ours: Side)
}

/// One of the two, ready to be measured any number of times.
struct Side {
  /// Makes at most so many packets ready to be moved, and says how many there are. It is not measured.
  let prepare: (Int) throws -> Int
  /// Moves that many, or fewer if the rest got lost. It is measured, and works on the calling thread alone.
  let move: (Int) throws -> Moved
  let close: () -> Void
}

struct Moved: Equatable {
  var packets: Int
  var bytes: Int
  /// Of each packet, where one waits for the answer to another. Nanoseconds.
  var roundTrips: [UInt64] = []
  /// From the first packet to the last, where the whole takes longer, since processes are started for it.
  var nanoseconds: UInt64?
}

/// What one side moved, and what that took.
struct Measurement: Equatable {
  var packets = 0
  var bytes = 0
  /// Packets that were ready and did not arrive.
  var lost = 0
  /// Of the thread that moved them, in the kernel too. What other threads spend on the same packets is not in it.
  var cpuNanoseconds: UInt64 = 0
  var nanoseconds: UInt64 = 0
  var roundTrips: [UInt64] = []

  var cpuPerPacket: Double { Double(cpuNanoseconds) / Double(packets) }
  /// By the clock; of round trips the median.
  var timePerPacket: Double {
    roundTrips.isEmpty ? Double(nanoseconds) / Double(packets) : Percentiles(roundTrips).p50
  }
  var packetsPerSecond: Double { Double(packets) * 1e9 / Double(nanoseconds) }
}

/// Why a case or the tool gives up.
struct BenchFailure: Error, CustomStringConvertible {
  var description: String
  init(_ description: String) { self.description = description }
}
