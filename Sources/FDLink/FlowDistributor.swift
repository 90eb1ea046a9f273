import Eventfd
import LinkCore
import LinkSystem

/// The dispatcher of a descriptor's worker that does not deliver itself: it hands each packet to the processor that the flow
/// chooses.
final class FlowDistributor: LinkDispatcher {
  let processors: [FlowProcessor]
  private let headerLength: Int
  /// Why nothing more is read.
  private let ending = Lock<LinkCloseReason?>(nil)

  init(_ processors: [FlowProcessor], headerLength: Int) {
    self.processors = processors
    self.headerLength = headerLength
  }

  func deliverPackets(_ packets: inout PacketBatch) {
    var choices = InlineArray<64, UInt8>(repeating: 0)
    var chosen: UInt64 = 0
    for index in 0..<packets.count {
      let choice = packets.withPacket(index) { self.choice(for: $0) }
      choices[index] = choice
      chosen |= 1 << choice
    }
    // One after the other, since each has a lock, and a bell that rings once for all of its packets.
    while chosen != 0 {
      let choice = chosen.trailingZeroBitCount
      chosen &= chosen - 1
      processors[choice].take(from: &packets) { choices[$0] == choice }
    }
  }

  /// By the hash's upper part: the lower one may have chosen the descriptor, and be the same for all of its packets.
  private func choice(for packet: borrowing PacketBuffer) -> UInt8 {
    let hash = UInt64(packet.flowHash(headerLength: headerLength))
    return UInt8(truncatingIfNeeded: (hash * UInt64(processors.count)) >> 32)
  }

  // MARK: The end

  /// What a turn comes to at the end of the descriptor: the end waits until everything is delivered.
  func end(_ reason: LinkCloseReason) -> LinkTurn {
    ending.withLock { $0 = reason }
    return isDrained ? .ended(reason) : .idle
  }

  /// What a turn comes to from then on; nil before.
  var turnAtEnd: LinkTurn? { ending.withLock { $0 }.map { isDrained ? .ended($0) : .idle } }

  /// If not, the last to deliver rings the bell of the descriptor's worker.
  private var isDrained: Bool { processors.allSatisfy { $0.isDrained() } }

  // MARK: What processors did

  /// The tally of the whole; `read` counts packets as they were read.
  func received(_ read: LinkTally) -> LinkTally {
    var tally = read
    (tally.packets, tally.bytes, tally.batches) = (0, 0, 0)
    return processors.reduce(tally) { $0 + $1.received }
  }
}
