import Eventfd
public import LinkCore
import LinkQueue
import LinkSystem

/// The five descriptors of one queue, in the order of the wire: data, event, tx pipe, rx pipe, shared data. It owns them.
public struct QueueFiles: ~Copyable, Sendable {
  let data: OwnedDescriptor
  let event: EventFD
  let transmitPipe: OwnedDescriptor
  let receivePipe: OwnedDescriptor
  let sharedData: OwnedDescriptor
  /// The sizes of the four memory files, in wire order, as they were checked.
  let memoryByteCounts: [Int]
  /// Nobody can change these sizes.
  let isSealed: Bool

  /// How many descriptors a queue has.
  public static let count = 5
  /// How many of them are memory.
  static let memoryCount = 4

  /// Takes ownership of five descriptors that were sent or inherited. Each is checked: an eventfd in counter mode, and four
  /// memory files of a possible size, sealed against being resized unless `policy` takes others.
  /// Throws `badDescriptor`, naming the one that is wrong; the caller keeps all of them then.
  public init(
    takingOwnershipOf descriptors: [Int32], accepting policy: FilePolicy = .sealedOnly
  ) throws(LinkError) {
    guard descriptors.count == Self.count, Set(descriptors).count == Self.count else {
      throw LinkError(
        .badDescriptor,
        "a queue has five different descriptors (data, event, tx pipe, rx pipe, shared data), not \(descriptors)")
    }
    let checked = [
      try MemoryFileCheck(descriptors[0], "data", QueueGeometry.dataRange, policy),
      try MemoryFileCheck(pipe: descriptors[2], "tx pipe", policy),
      try MemoryFileCheck(pipe: descriptors[3], "rx pipe", policy),
      try MemoryFileCheck(descriptors[4], "shared data", QueueGeometry.sharedRange, policy),
    ]
    event = try EventFD(takingOwnershipOf: descriptors[1])
    memoryByteCounts = checked.map(\.byteCount)
    isSealed = checked.allSatisfy(\.isSealed)
    data = OwnedDescriptor(owning: descriptors[0])
    transmitPipe = OwnedDescriptor(owning: descriptors[2])
    receivePipe = OwnedDescriptor(owning: descriptors[3])
    sharedData = OwnedDescriptor(owning: descriptors[4])
  }

  /// Makes a fresh queue of sealed memory files.
  /// Throws `invalidArgument` for an impossible geometry, `system` when memory or descriptors run out.
  public static func make(_ geometry: QueueGeometry = QueueGeometry()) throws(LinkError) -> QueueFiles {
    try geometry.validate()
    let event = try EventFD()
    do {
      let freshPipe: [UInt8] = [0, 0, 0, 0, 0, 0, 0, 0x80]
      return QueueFiles(
        data: try .sealedMemory(name: "link-data", byteCount: geometry.dataByteCount),
        event: event,
        transmitPipe: try .sealedMemory(
          name: "link-tx-pipe", byteCount: geometry.pipeByteCount, startingWith: freshPipe),
        receivePipe: try .sealedMemory(
          name: "link-rx-pipe", byteCount: geometry.pipeByteCount, startingWith: freshPipe),
        sharedData: try .sealedMemory(name: "link-shared", byteCount: QueueGeometry.sharedByteCount),
        memoryByteCounts: [
          geometry.dataByteCount, geometry.pipeByteCount, geometry.pipeByteCount, QueueGeometry.sharedByteCount,
        ], isSealed: true)
    } catch { throw LinkError(error, "queue files") }
  }

  private init(
    data: consuming OwnedDescriptor, event: consuming EventFD, transmitPipe: consuming OwnedDescriptor,
    receivePipe: consuming OwnedDescriptor, sharedData: consuming OwnedDescriptor, memoryByteCounts: [Int],
    isSealed: Bool
  ) {
    self.data = data
    self.event = event
    self.transmitPipe = transmitPipe
    self.receivePipe = receivePipe
    self.sharedData = sharedData
    self.memoryByteCounts = memoryByteCounts
    self.isSealed = isSealed
  }

  /// The numbers in wire order, to send or to inherit. They stay this value's.
  public var descriptors: [Int32] {
    [data.number, event.descriptor, transmitPipe.number, receivePipe.number, sharedData.number]
  }

  /// Second descriptors of the same five files.
  public func duplicate() throws(LinkError) -> QueueFiles {
    let event = try event.duplicate()
    do {
      return QueueFiles(
        data: try data.duplicate(), event: event, transmitPipe: try transmitPipe.duplicate(),
        receivePipe: try receivePipe.duplicate(), sharedData: try sharedData.duplicate(),
        memoryByteCounts: memoryByteCounts, isSealed: isSealed)
    } catch { throw LinkError(error, "queue files") }
  }

  /// Closes the four files, which are mapped, and gives up the event.
  consuming func takeEvent() -> EventFD { event }

  /// What tells the four memory files from others.
  func memoryIdentities() throws(LinkError) -> [FileIdentity] {
    do throws(SystemError) {
      return [
        try OwnedDescriptor.identity(of: data.number), try OwnedDescriptor.identity(of: transmitPipe.number),
        try OwnedDescriptor.identity(of: receivePipe.number), try OwnedDescriptor.identity(of: sharedData.number),
      ]
    } catch { throw LinkError(error, "queue files") }
  }
}
