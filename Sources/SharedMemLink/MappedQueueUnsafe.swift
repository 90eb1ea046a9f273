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

  /// Maps all of a queue's files, then closes them.
  static func map(_ files: consuming QueueFiles) throws(LinkError) -> MappedQueue {
    do throws(SystemError) {
      let data = try Mapping(files.data)
      let transmit = try Mapping(files.transmitPipe)
      let receive = try Mapping(files.receivePipe)
      let shared = try Mapping(files.sharedData)
      return MappedQueue(
        dataMapping: data, transmitMapping: transmit, receiveMapping: receive, sharedMapping: shared,
        bell: Bell(files.takeEvent()))
    } catch { throw LinkError(error, "queue memory") }
  }

  var data: SharedRegion { Self.region(dataMapping) }
  var transmitPipe: SharedRegion { Self.region(transmitMapping) }
  var receivePipe: SharedRegion { Self.region(receiveMapping) }
  var sharedData: SharedRegion { Self.region(sharedMapping) }

  private static func region(_ mapping: borrowing Mapping) -> SharedRegion {
    // SAFETY: mappings begin on a page. Regions are used by queues that live beside this value in one struct
    // (`SenderState`, `ReceiverState`) and die with it; the receiver's view of the sender's shared data is used in turns
    // only, and there are none after either was released. The file is sealed: it cannot shrink under the mapping.
    unsafe SharedRegion(base: mapping.base, byteCount: mapping.byteCount)
  }
}
