import Eventfd
import LinkCore
import LinkQueue
import LinkSystem

/// One queue, mapped: it owns the mappings and the event descriptor. The files themselves are closed: a link of ten
/// descriptors keeps two.
struct MappedQueue: ~Copyable, Sendable {
  private let dataMapping: Mapping
  private let transmitMapping: Mapping
  private let receiveMapping: Mapping
  private let sharedMapping: Mapping
  let bell: Bell
  /// Others can shrink the files.
  let isGuarded: Bool

  /// Maps all of a queue's files, then closes them.
  static func map(_ files: consuming QueueFiles) throws(LinkError) -> MappedQueue {
    // Of the sizes that were checked: an unsealed file may have another one by now.
    let sizes = files.memoryByteCounts
    let isGuarded = !files.isSealed
    do throws(SystemError) {
      let data = try Mapping(files.data, byteCount: sizes[0], isGuarded: isGuarded)
      let transmit = try Mapping(files.transmitPipe, byteCount: sizes[1], isGuarded: isGuarded)
      let receive = try Mapping(files.receivePipe, byteCount: sizes[2], isGuarded: isGuarded)
      let shared = try Mapping(files.sharedData, byteCount: sizes[3], isGuarded: isGuarded)
      return MappedQueue(
        dataMapping: data, transmitMapping: transmit, receiveMapping: receive, sharedMapping: shared,
        bell: Bell(files.takeEvent()), isGuarded: isGuarded)
    } catch { throw LinkError(error, "queue memory") }
  }

  /// The peer took memory of the queue away: its mapping is zeros now.
  @inline(__always) var wasResized: Bool { isGuarded && hasFaulted }
  /// Why the link on this queue cannot go on, if so.
  @inline(__always) func failure(isCorrupt: Bool) -> LinkError? {
    if wasResized { return Self.resizedFile }
    return isCorrupt ? Self.brokenPipe : nil
  }
  private static let brokenPipe = LinkError(.protocolViolation, "the peer broke the structure of a pipe")
  private static let resizedFile = LinkError(.protocolViolation, "the peer resized a memory file of the link")

  @inline(never) private var hasFaulted: Bool {
    dataMapping.hasFaulted || transmitMapping.hasFaulted || receiveMapping.hasFaulted || sharedMapping.hasFaulted
  }

  var data: SharedRegion { Self.region(dataMapping) }
  var transmitPipe: SharedRegion { Self.region(transmitMapping) }
  var receivePipe: SharedRegion { Self.region(receiveMapping) }
  var sharedData: SharedRegion { Self.region(sharedMapping) }

  private static func region(_ mapping: borrowing Mapping) -> SharedRegion {
    // SAFETY: mappings begin on a page. Regions are used by queues that live beside this value in one struct
    // (`SenderState`, `ReceiverState`) and die with it; the receiver's view of the sender's shared data is used in turns
    // only, and there are none after either was released. The file is sealed and cannot shrink under the
    // mapping, or the mapping is guarded.
    unsafe SharedRegion(base: mapping.base, byteCount: mapping.byteCount)
  }
}
