import LinkCore

/// Receives nothing: the descriptor is for sending. Only its end is looked for.
struct DeafStrategy: ReceiveStrategy {
  mutating func receive(into batch: inout PacketBatch, limit: Int, _ input: inout ReceiveInput) -> ReceiveResult {
    if let reason = input.ending { return .stopped(reason) }
    return ReceiveResult(0, input.nextWithoutReading())
  }
}
