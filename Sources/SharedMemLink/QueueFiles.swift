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

  /// How many descriptors a queue has.
  public static let count = 5
  /// How many of them are memory.
  static let memoryCount = 4

  /// Takes ownership of five descriptors that were sent or inherited. Each is checked: an eventfd in counter mode, and four
  /// memory files of a possible size, sealed against being resized: an unsealed file that the peer truncates would end
  /// this process by SIGBUS.
  /// Throws `badDescriptor`, naming the one that is wrong; the caller keeps all of them then.
  public init(takingOwnershipOf descriptors: [Int32]) throws(LinkError) {
    guard descriptors.count == Self.count, Set(descriptors).count == Self.count else {
      throw LinkError(
        .badDescriptor,
        "a queue has five different descriptors (data, event, tx pipe, rx pipe, shared data), not \(descriptors)")
    }
    try Self.checkMemory(descriptors[0], "data", QueueGeometry.dataRange)
    try Self.checkPipe(descriptors[2], "tx pipe")
    try Self.checkPipe(descriptors[3], "rx pipe")
    try Self.checkMemory(descriptors[4], "shared data", QueueGeometry.sharedRange)
    event = try EventFD(takingOwnershipOf: descriptors[1])
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
        sharedData: try .sealedMemory(name: "link-shared", byteCount: QueueGeometry.sharedByteCount))
    } catch { throw LinkError(error, "queue files") }
  }

  private init(
    data: consuming OwnedDescriptor, event: consuming EventFD, transmitPipe: consuming OwnedDescriptor,
    receivePipe: consuming OwnedDescriptor, sharedData: consuming OwnedDescriptor
  ) {
    self.data = data
    self.event = event
    self.transmitPipe = transmitPipe
    self.receivePipe = receivePipe
    self.sharedData = sharedData
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
        receivePipe: try receivePipe.duplicate(), sharedData: try sharedData.duplicate())
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

  /// The sizes of the four memory files, in wire order.
  func memoryByteCounts() throws(LinkError) -> [Int] {
    do throws(SystemError) {
      return [
        try data.status().byteCount, try transmitPipe.status().byteCount, try receivePipe.status().byteCount,
        try sharedData.status().byteCount,
      ]
    } catch { throw LinkError(error, "queue files") }
  }

  private static func checkPipe(_ number: Int32, _ role: String) throws(LinkError) {
    try checkMemory(number, role, QueueGeometry.pipeRange)
    let word: UInt64
    do { word = try OwnedDescriptor.firstWord(of: number) } catch {
      throw LinkError(error, "\(role) descriptor \(number)", code: .badDescriptor)
    }
    // A slot's header is never zero, and the first slot is there from the start.
    if word == 0 {
      throw LinkError(.badDescriptor, "\(role) descriptor \(number) is no pipe: are the five in wire order?")
    }
  }

  private static func checkMemory(_ number: Int32, _ role: String, _ range: ClosedRange<Int>) throws(LinkError) {
    let name = "\(role) descriptor \(number)"
    let byteCount: Int
    do { byteCount = try OwnedDescriptor.status(of: number).byteCount } catch {
      throw LinkError(error, name, code: .badDescriptor)
    }
    var seals: FileSeals = []
    do { seals = try OwnedDescriptor.seals(of: number) } catch {
      throw LinkError(error, "\(name) is not a memory file (memfd)", code: .badDescriptor)
    }
    let isHugePages: Bool
    do { isHugePages = try OwnedDescriptor.isHugePages(number) } catch {
      throw LinkError(error, name, code: .badDescriptor)
    }
    if isHugePages {
      throw LinkError(
        .badDescriptor, "\(name) is made of huge pages, which can run out: its maker has to use plain ones")
    }
    guard seals.isSuperset(of: .fixedSize) else {
      throw LinkError(
        .badDescriptor,
        "\(name) is not sealed against resizing: its maker has to add F_SEAL_SHRINK, F_SEAL_GROW and F_SEAL_SEAL")
    }
    guard range.contains(byteCount) else {
      throw LinkError(
        .badDescriptor,
        "\(name) has \(byteCount) bytes: must be \(range.lowerBound) to \(range.upperBound); are the five in wire order?"
      )
    }
  }
}
