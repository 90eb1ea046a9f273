import LinkCore
import LinkQueue
import LinkSystem
import SharedMemLink

/// The first bytes of a mapping.
func firstBytes(of mapping: borrowing Mapping, _ count: Int) -> [UInt8] {
  precondition(count <= mapping.byteCount)
  // SAFETY: within the mapping, which is borrowed.
  return unsafe Array(UnsafeRawBufferPointer(start: mapping.base, count: count))
}

/// The five files of a queue, mapped and laid bare: what a peer that does as it likes has in its hands.
final class RawQueue: Sendable {
  private let mappings: InlineArray<4, Mapping>
  let event: Int32

  /// The descriptors in wire order; they stay the caller's, who keeps them open.
  init(_ descriptors: [Int32]) throws {
    let memory = [descriptors[0], descriptors[2], descriptors[3], descriptors[4]]
    mappings = try InlineArray { index in try Mapping(try OwnedDescriptor.duplicating(memory[index])) }
    event = descriptors[1]
  }

  var data: SharedRegion { region(0) }
  var transmitPipe: SharedRegion { region(1) }
  var receivePipe: SharedRegion { region(2) }
  var sharedData: SharedRegion { region(3) }

  private func region(_ index: Int) -> SharedRegion {
    // SAFETY: callers keep this object while they use the region.
    unsafe SharedRegion(base: mappings[index].base, byteCount: mappings[index].byteCount)
  }
}
