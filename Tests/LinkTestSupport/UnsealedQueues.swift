import Glibc
import LinkSystem
package import SharedMemLink

/// The files of a link as other implementations make them: without seals.
package final class UnsealedQueues: Sendable {
  private let transmit: [OwnedDescriptorBox]
  private let receive: [OwnedDescriptorBox]

  package init() throws {
    transmit = try Self.makeQueue()
    receive = try Self.makeQueue()
  }

  /// A pair of queues on them, which takes what it gets.
  package func pair() throws -> QueuePair {
    QueuePair(transmit: try files(transmit), receive: try files(receive))
  }

  /// The ten numbers. They stay this object's.
  package var descriptors: [CInt] { (transmit + receive).map { $0.file.number } }

  /// Which of the ten are memory that a test may cut off while it is used. Under the thread sanitizer only what holds packets:
  /// it makes an atomic store to a pipe itself, under a lock of its own, and waits for that lock for ever when a signal
  /// handler runs in the midst of it.
  package static let memory = isThreadSanitized ? [0, 5] : [0, 2, 3, 4, 5, 7, 8, 9]

  /// The size of one of the ten files.
  package func byteCount(_ index: Int) -> Int { Self.byteCounts[index % 5] }

  package func resize(_ index: Int, to byteCount: Int) { _ = ftruncate(descriptors[index], byteCount) }

  private static let byteCounts = [1 << 20, 0, 1 << 16, 1 << 16, 4096]

  private static func makeQueue() throws -> [OwnedDescriptorBox] {
    try byteCounts.enumerated().map { index, byteCount in
      if index == 1 { return OwnedDescriptorBox(try EventCounter.create()) }
      let isPipe = index == 2 || index == 3
      return OwnedDescriptorBox(
        try .unsealedMemory(byteCount: byteCount, startingWith: isPipe ? [0, 0, 0, 0, 0, 0, 0, 0x80] : []))
    }
  }

  private func files(_ queue: [OwnedDescriptorBox]) throws -> QueueFiles {
    var numbers: [CInt] = []
    for box in queue { numbers.append(try box.file.duplicate().release()) }
    return try QueueFiles(takingOwnershipOf: numbers, accepting: .unsealedGuarded)
  }
}

/// For arrays of descriptors.
private final class OwnedDescriptorBox: Sendable {
  let file: OwnedDescriptor
  init(_ file: consuming OwnedDescriptor) { self.file = file }
}
