import CLinkShims
import LinkCore

/// From here up `rep movsb` is mostly ahead of memcpy into memory that another core read last, by up to a tenth, though not at
/// 9000 bytes. Out of memory that another core wrote last memcpy is better, by up to a third. In bytes.
let longCopyIntoShared = 256

/// Copies payload into and out of shared memory: as `moveBytes`, but `rep movsb` from `longCopy` bytes on.
@unsafe @inline(__always)
func copyBytes(to destination: UnsafeMutableRawPointer, from source: UnsafeRawPointer, count: Int, longCopy: Int = .max)
{
  // SAFETY: the caller checked both ranges.
  if count >= longCopy { return unsafe link_copy_long(destination, source, count) }
  unsafe moveBytes(to: destination, from: source, count: count)
}

// MARK: Hints

/// Of x86-64 and most of arm64, in bytes.
let cacheLineByteCount = 64

/// So much is fetched ahead at most: a few more lines than a processor fetches at a time. In bytes.
let mostPrefetched = 2048

/// The same of each packet where many come at a time: the rest is on its way while that is copied. In bytes.
let mostPrefetchedOfMany = 256

/// Fetches the cache lines of so many bytes, at least one; of bytes that begin within a line perhaps not the last one.
/// `forWriting`, a constant: away from other processors.
@unsafe @inline(__always)
func prefetchBytes(_ address: UnsafeRawPointer, count: Int, forWriting: Bool) {
  var offset = 0
  repeat {
    // SAFETY: a hint. Where nothing is mapped, nothing happens.
    if forWriting { unsafe link_prefetch_for_writing(address + offset) } else { unsafe link_prefetch(address + offset) }
    offset &+= cacheLineByteCount
  } while offset < count
}
